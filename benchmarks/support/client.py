"""The load client (loadclient.c): builds it when needed, runs it, reads its results."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.support import once
from benchmarks.support.processes import ROOT
from tools.lifetimes import tied

SOURCE = Path(__file__).with_name("loadclient.c")


class NoCompilerError(Exception):
    """There is no C compiler and it cannot be installed; the message says what to do."""


@dataclass(frozen=True)
class Load:
    """Parameters of one run of the load client.

    Args:
        connections: number of sockets; the last `slow` of them never read.
        mode: "rate:10": ten ticks a second; "win:64": 64 ticks in flight.
        seconds: measured time, after `warm_up`.
        at_once: upgrades in flight while connecting.
        hold: seconds to stay connected instead of taking ticks.
        clients: number of processes that share the connections.
    """

    connections: int
    mode: str = "rate:10"
    seconds: float = 3.0
    warm_up: float = 0.5
    at_once: int = 32
    slow: int = 0
    hold: float = 0.0
    grace: float = 3.0
    clients: int = 1


@dataclass(frozen=True)
class Target:
    """The server that the load client connects to, its credentials and its messages.

    Args:
        control_port: UDP port of the publisher; None to connect only.
        ready_mark: a connection counts as ready when a message contains this.
        messages: first messages, assigned to the connections in turn.
        cookies: file with one cookie per line, assigned in turn.
    """

    port: int
    path: str
    control_port: int | None = None
    ready_mark: str | None = None
    messages: tuple[str, ...] = ()
    cookies: Path | None = None
    options: tuple[str, ...] = field(default=())


def run_divided(target: Target, load: Load) -> dict[str, float]:
    """Run `load.clients` load clients at once, and combine their results.

    A single one, saturating its core, would be the bottleneck with a server faster than itself.

    Returns the sums of deliveries a second and losses, the mean of the medians, the worst p99.
    """
    part = replace(load, connections=load.connections // load.clients)
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(started(target, part)) for _ in range(load.clients)]
        results = [_result(process, part) for process in running]
    kinds = [result["kinds"][0] for result in results]
    return {
        "per_second": sum(kind["per_second"] for kind in kinds),
        "p50_ms": sum(kind["p50_ms"] for kind in kinds) / len(kinds),
        "p99_ms": max(kind["p99_ms"] for kind in kinds),
        "lost": sum(result["lost"] for result in results),
    }


def run(target: Target, load: Load) -> dict[str, Any]:
    """Connect, request ticks, read them. Returns the load client's JSON object.

    Raises:
        subprocess.CalledProcessError: the load client failed.
        RuntimeError: not every connection was opened.
    """
    with started(target, load) as process:
        return _result(process, load)


@contextlib.contextmanager
def connected(target: Target, load: Load) -> Iterator[dict[str, Any]]:
    """Keep the connections of `load` open and idle while the block runs (`load.hold` at most)."""
    with started(target, load) as process:
        assert process.stdout is not None
        yield _checked(json.loads(process.stdout.readline()), load)


@contextlib.contextmanager
def started(target: Target, load: Load) -> Iterator[subprocess.Popen[str]]:
    """Run the load client during the block, and end it with the block."""
    with (
        _command(target, load) as command,
        subprocess.Popen(tied(command), stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


@functools.cache
def program() -> Path:
    """Return the load client, compiled once for each version of its source.

    Raises:
        NoCompilerError: there is no C compiler.
    """
    version = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    built = once.FOLDER / f"loadclient-{version}"
    with once.one_at_a_time("loadclient"):
        if not built.exists():
            # Built under another name: an interrupted compiler leaves an incomplete file.
            draft = built.with_suffix(".draft")
            subprocess.run([_compiler(), "-O2", "-o", draft, SOURCE], check=True)
            draft.rename(built)
    return built


def _compiler() -> str:
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return found
    sys.path.insert(0, str(ROOT / "tools"))
    import debian

    try:
        debian.install(["gcc", "libc6-dev"], "The benchmarks")
    except debian.MissingProgramError as error:
        raise NoCompilerError(str(error)) from error
    return "gcc"


@contextlib.contextmanager
def _command(target: Target, load: Load) -> Iterator[list[str]]:
    options: dict[str, object] = {
        "-p": target.port,
        "-P": target.path,
        "-n": load.connections,
        "-c": load.at_once,
        "-u": target.control_port,
        "-k": load.clients,
        "-M": load.mode,
        "-d": load.seconds,
        "-w": load.warm_up,
        "-g": load.grace,
        "-i": load.hold or None,
        "-s": load.slow or None,
        "-y": target.ready_mark,
        "-C": target.cookies,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as messages:
        if target.messages:
            messages.write("\n".join(target.messages))
            messages.flush()
            options["-m"] = messages.name
        given = [str(word) for pair in options.items() if pair[1] is not None for word in pair]
        yield [str(program()), *given, *target.options]


def _result(process: subprocess.Popen[str], load: Load) -> dict[str, Any]:
    """Wait for a load client with a time limit, and read its results."""
    limit = 120 + load.connections * 0.05 + load.seconds + load.grace
    output, _ = process.communicate(timeout=limit)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args, output)
    return _checked(json.loads(output), load)


def _checked(result: dict[str, Any], load: Load) -> dict[str, Any]:
    if result["connected"] != load.connections or result["ready"] < load.connections - load.slow:
        raise RuntimeError(
            f"{result['connected']} of {load.connections} connections were opened and"
            f" {result['ready']} of them ready: {result['failure'] or 'no answer'}"
        )
    return result
