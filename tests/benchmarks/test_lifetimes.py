"""A benchmark that is ended or killed leaves behind no server, load client or folder."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from benchmarks.support import client, once
from benchmarks.support.processes import ROOT
from tests.support.lifetimes import (
    CATCHABLE,
    SIGNALS,
    assert_gone,
    program,
    started_by,
    wait_until_ready,
)
from tools.lifetimes import tied

pytestmark = pytest.mark.e2e

STARTS_WITHIN = 60.0
BENCHMARK = """
from dataclasses import replace
from benchmarks.support import client, command_line, contenders
command_line.smoke("")
with contenders.naive() as server:
    target = replace(server.target, control_port=None)
    with client.connected(target, client.Load(2, hold=600)):
        print("ready", flush=True)
        server.process.wait()
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_servers_and_load_clients_end_with_their_benchmark(
    number: signal.Signals, tmp_path: Path
) -> None:
    with program("-c", BENCHMARK, environment={"TMPDIR": str(tmp_path)}) as benchmark:
        wait_until_ready(benchmark)
        started = started_by(benchmark)
        assert len(started) == 2
        benchmark.send_signal(number)
        assert_gone(started)
        benchmark.wait()
    if number in CATCHABLE:
        assert list(tmp_path.iterdir()) == []


def test_a_time_limit_ends_all_benchmarks_and_what_they_started(tmp_path: Path) -> None:
    arguments = ("tools/bench.py", "--smoke", "memory", "slow")
    with program(*arguments, environment={"TMPDIR": str(tmp_path)}) as bench:
        started = until_each_has_a_server(bench)
        bench.terminate()
        bench.wait()
        assert_gone(started)
    assert list(tmp_path.iterdir()) == []


def until_each_has_a_server(bench: subprocess.Popen[str]) -> list[psutil.Process]:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        started = started_by(bench)
        if sum("serve" in process.cmdline() for process in started) == 2:
            return started
        assert time.monotonic() < deadline, started
        time.sleep(0.05)


def test_two_that_compile_the_load_client_at_once_both_have_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a clean tree: within one process, as parts of a divided load, and in two."""
    monkeypatch.setattr(once, "FOLDER", tmp_path)
    with ThreadPoolExecutor(4) as pool:
        here = [pool.submit(client.program.__wrapped__) for _ in range(2)]
        elsewhere = [pool.submit(compiled_elsewhere, tmp_path) for _ in range(2)]
    programs = {future.result() for future in (*here, *elsewhere)}
    [built] = programs
    usage = subprocess.run([built], capture_output=True, text=True, check=False)
    assert "usage" in usage.stderr
    assert [path.name for path in tmp_path.iterdir() if "draft" in path.name] == []


def compiled_elsewhere(folder: Path) -> Path:
    script = f"""
from pathlib import Path
from benchmarks.support import client, once
from benchmarks.support.processes import ROOT
once.FOLDER = Path({str(folder)!r})
print(client.program())
"""
    command = tied([sys.executable, "-c", script])
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())
