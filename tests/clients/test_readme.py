"""The examples of the Python client's README: checked by mypy, and run against the server."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from realtime.database import threads
from tests.docs.world import World
from tools.lifetimes import tied

CLIENT = Path(__file__).resolve().parents[2] / "clients" / "python"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", (CLIENT / "README.md").read_text(), re.M | re.S)
SOURCES = {"PYTHONPATH": str(CLIENT / "src"), "MYPYPATH": str(CLIENT / "src")}


async def started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *tied([sys.executable, *arguments]),
        env=os.environ | SOURCES,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def test_the_examples_are_typed(tmp_path: Path) -> None:
    files = [tmp_path / f"example_{number}.py" for number, _ in enumerate(EXAMPLES)]
    for file, example in zip(files, EXAMPLES, strict=True):
        file.write_text(example)
    options = ["--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    mypy = await started("-m", "mypy", *options, *map(str, files))
    told, _ = await mypy.communicate()
    assert mypy.returncode == 0, told.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_an_example_prints_the_values_that_come(server: str, number: int) -> None:
    world = await threads.call(World)
    code = EXAMPLES[number].replace("127.0.0.1:8000", server)
    code = code.replace('TOKEN = "..."', f"TOKEN = {world.token!r}")
    program = await started("-u", "-c", code)
    assert program.stdout is not None
    line = asyncio.create_task(program.stdout.readline())
    try:
        async with asyncio.timeout(20):
            # It sees the values that come once it has subscribed.
            while not (await asyncio.wait({line}, timeout=0.1))[0]:
                await threads.call(world.cpu_ticks)
        assert "cpu_usage" in line.result().decode()
    finally:
        program.kill()
        await program.communicate()
