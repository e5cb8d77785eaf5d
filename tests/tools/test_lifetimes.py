"""A program's children end with it, whether it is told to end or is killed."""

import ast
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lifetimes import (
    CATCHABLE,
    GONE_WITHIN,
    ROOT,
    SIGNALS,
    assert_gone,
    program,
    started_by,
    wait_until_ready,
)
from tools.lifetimes import tied

ONE_CHILD = """
import subprocess
from tools.lifetimes import tied
child = subprocess.Popen(tied(["sleep", "600"]))
print("ready", flush=True)
child.wait()
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_tied_process_ends_with_the_one_that_started_it(number: signal.Signals) -> None:
    with program("-c", ONE_CHILD) as parent:
        wait_until_ready(parent)
        [child] = started_by(parent)
        parent.send_signal(number)
        parent.wait(GONE_WITHIN)
        assert_gone([child])


def test_a_process_whose_parent_died_before_it_began_ends_at_once() -> None:
    command = [sys.executable, "tools/lifetimes.py", "1", "15", "sleep", "600"]
    orphan = subprocess.run(command, cwd=ROOT, timeout=GONE_WITHIN, check=False)
    assert orphan.returncode == -signal.SIGTERM


def test_a_tied_process_is_the_command_itself() -> None:
    """The exit code, and the process id that signals are sent to, are the command's own."""
    command = [sys.executable, "-c", "import os, sys; print(os.getpid()); sys.exit(3)"]
    process = subprocess.Popen(tied(command), stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate()
    assert (int(output), process.returncode) == (process.pid, 3)


def test_whatever_goes_on_beside_a_program_is_tied_to_it() -> None:
    """In tests, benchmarks and tools. services.py requests the same after the change of user."""
    untied = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for folder in ("tests", "benchmarks", "tools")
        for path in (ROOT / folder).rglob("*.py")
        if "node_modules" not in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and starts_a_process(call) and not is_tied(call)
    ]
    assert untied == []


def starts_a_process(call: ast.Call) -> bool:
    return ast.unparse(call.func).split(".")[-1] in ("Popen", "create_subprocess_exec")


def is_tied(call: ast.Call) -> bool:
    return "tied(" in ast.unparse(call.args[0]) or any(
        keyword.arg == "preexec_fn" and "end_with" in ast.unparse(keyword.value)
        for keyword in call.keywords
    )


@pytest.mark.parametrize("number", CATCHABLE)
def test_a_signal_unwinds_a_program_once(number: signal.Signals) -> None:
    """Clean-up that a second signal would interrupt is still completed."""
    script = """
import os, signal, sys
from tools.lifetimes import exit_on_signals
exit_on_signals()
try:
    print("ready", flush=True)
    signal.pause()
finally:
    os.kill(os.getpid(), signal.SIGTERM)
    print("put away", flush=True)
"""
    with program("-c", script) as process:
        wait_until_ready(process)
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.read() == "put away\n"
        assert process.wait(GONE_WITHIN) == (
            -signal.SIGINT if number == signal.SIGINT else 128 + number
        )


@pytest.fixture
def reachable_folder() -> Iterator[Path]:
    """Yield a folder that PostgreSQL's own user can access, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="pitwall-lifetimes-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.services
@pytest.mark.parametrize("number", SIGNALS)
def test_private_services_and_their_command_end_with_the_program_that_started_them(
    number: signal.Signals, reachable_folder: Path
) -> None:
    command = "import time; print('ready', flush=True); time.sleep(600)"
    arguments = ("tools/services.py", "--", sys.executable, "-c", command)
    with program(*arguments, environment={"TMPDIR": str(reachable_folder)}) as parent:
        wait_until_ready(parent)
        started = started_by(parent)
        names = {process.name() for process in started}
        assert {"postgres", "redis-server"} <= names
        parent.send_signal(number)
        assert_gone(started)
        parent.wait(GONE_WITHIN)
    if number in CATCHABLE:
        assert list(reachable_folder.iterdir()) == []
