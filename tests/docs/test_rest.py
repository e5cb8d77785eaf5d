"""The examples of docs/rest.md, run in a shell against a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.cache import cache

from realtime.database import threads
from realtime_project.settings import REST_FRAMEWORK
from tests.docs.player import Different, Names, compare
from tests.docs.world import World
from tools.lifetimes import tied

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rest.md").read_text()
_BLOCK = re.compile(r"^<!-- run -->\n```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*?(?<!\\))\n(.*?)(?=^\$ |\Z)", re.MULTILINE | re.DOTALL)


class Run(NamedTuple):
    """A command, and what the page shows as its output (None: not shown)."""

    command: list[str]
    shown: str | None
    keeps: str
    where: str


def runs() -> Iterator[Run]:
    for block in _BLOCK.finditer(PAGE):
        where = f"line {PAGE.count(chr(10), 0, block.start()) + 1}"
        if block[1] == "python":
            yield Run([sys.executable, "-c", block[2]], None, "", where)
            continue
        for command in _COMMAND.finditer(block[2]):
            name = re.match(r"([A-Z]+)=\$\(", command[1])
            yield Run(
                ["bash", "-c", command[1]], command[2].strip(), name[1] if name else "", where
            )


async def test_what_the_page_shows_is_what_happens(server: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        assert "CI" not in os.environ, "CI has to run the examples"
        pytest.skip("curl and bash are not installed")
    cache.clear()
    world = await threads.call(World)
    await threads.call(world.a_notification)
    names = Names()
    variables = {
        "PITWALL": f"http://{server}", "TOKEN": world.token, "BOB": str(world.people["bob"].pk),
    }  # fmt: skip
    for run in runs():
        output = await _output(run, variables, tmp_path)
        if run.keeps:
            variables[run.keeps] = output
        if run.shown is not None:
            _check(run, output, names)


def test_the_page_has_examples() -> None:
    assert len(list(runs())) >= 15


def test_the_limits_that_the_page_tells_are_those_of_the_settings() -> None:
    section = PAGE.split("## Rate limits\n")[1].split("\n## ")[0]
    told = dict(re.findall(r"^\| `([\w-]+)` \| .* \| (\d+ a minute) \|$", section, re.MULTILINE))
    rates = REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    assert told == {name: rate.replace("/", " a ") for name, rate in rates.items()}


async def _output(run: Run, variables: dict[str, str], folder: Path) -> str:
    program = await asyncio.create_subprocess_exec(
        *tied(run.command),
        env=os.environ | variables,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        output, errors = await program.communicate()
    assert program.returncode == 0, f"{run.where}: {errors.decode()}"
    return output.decode().strip()


def _check(run: Run, output: str, names: Names) -> None:
    assert run.shown is not None
    try:
        shown, came = json.loads(run.shown), json.loads(output)
    except ValueError:
        # No JSON: the same words, whatever the numbers are.
        plain = [re.sub(r"\d+", "0", text.replace("\r", "")) for text in (run.shown, output)]
        if plain[0] != plain[1]:
            raise Different(f"{run.where}: {output}") from None
    else:
        compare(shown, came, names, f"{run.where}: {run.command[-1][:50]}")
