"""Benchmark of latency: the age of a value on arrival, end to end (sample taken → frame received).

    python -m benchmarks.latency
    python -m benchmarks.latency --smoke    # a moment, to see that it still runs

It runs the application as installed, with its own collectors and simulator: readings are taken on
the whole second, stored, committed, published, rendered, sent. A frame carries the time of its
samples; the difference from the clock is the latency. Measured alone and with many other followers;
embedded, and with workers, PostgreSQL and Redis in separate processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from statistics import median

from websockets.asyncio.client import connect

from benchmarks.support import client, command_line, contenders, services
from benchmarks.support.client import Load
from benchmarks.support.contenders import SUBSCRIBE_ALL, Installation, Running
from benchmarks.support.tables import table

SETTLES_WITHIN = 3.0  # seconds until collectors run at their regular pace


def main() -> None:
    smoke = command_line.smoke(__doc__)
    crowd, seconds = (20, 1.5) if smoke else (500, 30.0)
    with contenders.installed(crowd + 1, demo=True) as installation:
        rows = measure("embedded", installation, "inside", crowd, seconds)
    if not smoke:
        rows += apart(crowd, seconds)
    print(f"\nAge of a value at its arrival, ms, over {seconds:g} s\n")
    print(table(("", "followers", "frames", "p50", "p99", "max"), rows))


def apart(crowd: int, seconds: float) -> list[tuple[object, ...]]:
    """Measure with each component in its own process."""
    with (
        services.backing() as backing,
        contenders.installed(crowd + 1, services=backing, demo=True) as installation,
    ):
        return measure("PostgreSQL, Redis, workers", installation, "beside", crowd, seconds)


def measure(
    title: str, installation: Installation, workers: str, crowd: int, seconds: float
) -> list[tuple[object, ...]]:
    """Return a row for one follower alone, and one for it among many others."""
    rows: list[tuple[object, ...]] = []
    with contenders.pitwall(installation, workers=workers) as server:
        for followers in (1, crowd + 1):
            with others(server, followers - 1, seconds):
                ages = asyncio.run(ages_of_frames(server, installation, seconds))
            p99 = sorted(ages)[int(0.99 * (len(ages) - 1))]
            rows.append((title, followers, len(ages), median(ages), p99, max(ages)))
    return rows


@contextlib.contextmanager
def others(server: Running, count: int, seconds: float) -> Iterator[None]:
    """Keep `count` more sockets following all metrics during the block."""
    if not count:
        yield
        return
    target = replace(server.target, control_port=None)
    with client.connected(target, Load(count, hold=seconds + 30)):
        yield


async def ages_of_frames(
    server: Running, installation: Installation, seconds: float
) -> list[float]:
    """Follow all metrics for `seconds`. Returns the age of every frame in milliseconds."""
    cookie = installation.cookies.read_text().splitlines()[-1]
    url = f"ws://127.0.0.1:{server.target.port}{server.target.path}"
    ages = []
    async with connect(url, additional_headers={"Cookie": cookie}) as socket:
        await socket.send(SUBSCRIBE_ALL)
        starts = time.monotonic() + SETTLES_WITHIN
        while (left := starts + seconds - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                frame = await asyncio.wait_for(socket.recv(), left)
                received = time.time()
                if time.monotonic() > starts and (taken := taken_at(frame)) is not None:
                    ages.append((received - taken) * 1000)
    return ages


def taken_at(frame: str | bytes) -> float | None:
    """Return when a frame's samples were taken, in seconds since 1970; None for other frames."""
    event = json.loads(frame)
    if event["type"] != "realtime_metrics":
        return None
    return datetime.fromisoformat(event["timestamp"]).timestamp()


if __name__ == "__main__":
    main()
