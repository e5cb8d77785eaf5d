"""Processes that a benchmark starts and ends; it touches no others.

Each is tied to the benchmark and ends with it, even if the benchmark is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from tools.lifetimes import tied

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0
STOP_WITHIN = 10.0


class DidNotStartError(Exception):
    """A server under test did not start; the message contains the end of its output."""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return an unused port of 127.0.0.1."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    ready: Callable[[], bool],
    *,
    killed_by: signal.Signals = signal.SIGKILL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command until the block ends; its output goes to `log`.

    Args:
        killed_by: signal sent if the benchmark is killed; SIGTERM for a command with children.

    Raises:
        DidNotStartError: it ended, or was not `ready` within a minute.
    """
    with open(log, "wb") as output:
        process = subprocess.Popen(
            tied(command, killed_by),
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:]
                raise DidNotStartError(f"{' '.join(command)} did not start:\n{said}")
            time.sleep(0.02)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], within: float = STOP_WITHIN) -> float | None:
    """End a process that we started. Returns the seconds it took, None if it had to be killed."""
    began = time.monotonic()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
    return time.monotonic() - began


def listens(port: int) -> bool:
    """Tell whether something accepts connections on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process and its children."""
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time so far of all threads of a process, in user and kernel mode."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
