"""The load client against the product and a peer, and a benchmark run as in `make bench-smoke`."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.support import client, contenders, tables
from benchmarks.support.client import Load
from benchmarks.support.processes import ROOT
from tools.lifetimes import tied

pytestmark = pytest.mark.e2e


def test_every_tick_reaches_every_subscriber_of_the_product() -> None:
    with contenders.installed(10) as installation, contenders.pitwall(installation) as server:
        result = client.run(server.target, Load(10, "rate:50", seconds=0.5, warm_up=0.2))
    assert result["published"] > 10
    assert result["lost"] == result["duplicated"] == result["skipped"] == result["dead"] == 0


def test_a_tick_of_the_product_is_about_as_long_as_a_peers() -> None:
    script = (
        "from benchmarks.support import pitwall_ticks as p; from dashboard import selection as s;"
        "print(len(s.EVERYTHING.frames(p.payload(123, 1790000000.123456))[0]))"
    )
    with contenders.installed(1) as installation:
        done = subprocess.run(
            tied([sys.executable, "-c", script]),
            cwd=ROOT,
            env=dict(installation.environment),
            capture_output=True,
            text=True,
            check=True,
        )
    assert int(done.stdout) == pytest.approx(230, abs=10)


def test_a_server_that_lets_nobody_in_is_told_apart_from_a_slow_one() -> None:
    with contenders.naive() as server, pytest.raises(RuntimeError, match=r"0 of 3 .*403"):
        client.run(replace(server.target, path="/elsewhere"), Load(3))


@pytest.mark.parametrize("name", ["memory", "slow"])
def test_a_shortened_benchmark_prints_tables_that_parse(name: str) -> None:
    done = subprocess.run(
        tied([sys.executable, "-m", f"benchmarks.{name}", "--smoke"], signal.SIGTERM),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = tables.parse(done.stdout)
    assert len(rows) > 1
    assert all("" in row for row in rows)
