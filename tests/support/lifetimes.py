"""Programs that a test kills, and whether what they started is gone with them."""

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
    """A Python program, run at the root; it ends with the block at the latest."""
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
    """What nohup or a shell's background job has these tests ignore, their programs do not."""
    ignored = [each for each in CATCHABLE if signal.getsignal(each) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    """Return when the program has printed `ready`."""
    assert process.stdout is not None
    for line in process.stdout:
        if line == "ready\n":
            return
    raise AssertionError(f"{process.args!r} ended and was not ready")


def started_by(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """What the program has started, and what that has started, and so on."""
    return psutil.Process(process.pid).children(recursive=True)


def assert_gone(processes: Sequence[psutil.Process]) -> None:
    """Wait until all have ended; what has not is killed, and named."""
    _, alive = psutil.wait_procs(processes, timeout=GONE_WITHIN)
    left = [" ".join(process.cmdline()) for process in alive]
    for process in alive:
        process.kill()
    assert left == []
