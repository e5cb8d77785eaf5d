"""Programs that a test kills, and checks that their children are gone too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tools.lifetimes import tied

ROOT = Path(__file__).resolve().parents[2]
GONE_WITHIN = 30.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
CATCHABLE = SIGNALS[:-1]


@contextmanager
def program(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program in the project's root; ends it with the block at the latest."""
    with _no_signal_ignored():
        process = subprocess.Popen(
            tied([sys.executable, *arguments]),
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def _no_signal_ignored() -> Iterator[None]:
    """Reset signals that nohup or a background job made these tests ignore, for their programs."""
    ignored = [each for each in CATCHABLE if signal.getsignal(each) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    """Return once the program has printed `ready`."""
    assert process.stdout is not None
    for line in process.stdout:
        if line == "ready\n":
            return
    raise AssertionError(f"{process.args!r} ended and was not ready")


def started_by(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the program's descendants."""
    return psutil.Process(process.pid).children(recursive=True)


def assert_gone(processes: Sequence[psutil.Process]) -> None:
    """Wait until all have ended; kills and reports the remaining ones."""
    _, alive = psutil.wait_procs(processes, timeout=GONE_WITHIN)
    left = [" ".join(process.cmdline()) for process in alive]
    for process in alive:
        process.kill()
    assert left == []
