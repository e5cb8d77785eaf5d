"""How old a value is when it arrives: sample taken → frame received, through everything.

    python -m benchmarks.latency
    python -m benchmarks.latency --smoke    # a moment, to see that it still runs

The application as it is installed, with its own collectors and simulator: readings are taken at
the whole second, stored, committed, published, rendered, sent. What a socket receives carries the
time of its samples; the difference to the clock is the latency. Alone and beside a crowd of
followers; embedded, and with workers, PostgreSQL and Redis in processes of their own.
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

SETTLES_WITHIN = 3.0  # seconds after which collectors are at their pace


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
    """The same with everything in a process of its own."""
    with (
        services.backing() as backing,
        contenders.installed(crowd + 1, services=backing, demo=True) as installation,
    ):
        return measure("PostgreSQL, Redis, workers", installation, "beside", crowd, seconds)


def measure(
    title: str, installation: Installation, workers: str, crowd: int, seconds: float
) -> list[tuple[object, ...]]:
    """A row for one follower alone, one for the same beside a crowd."""
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
    """Have so many more sockets follow everything meanwhile."""
    if not count:
        yield
        return
    target = replace(server.target, control_port=None)
    with client.connected(target, Load(count, hold=seconds + 30)):
        yield


async def ages_of_frames(
    server: Running, installation: Installation, seconds: float
) -> list[float]:
    """Follow all metrics for so long. Returns the age in milliseconds of every frame."""
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
    """When the samples of this frame were taken, in seconds since 1970; None of other frames."""
    event = json.loads(frame)
    if event["type"] != "realtime_metrics":
        return None
    return datetime.fromisoformat(event["timestamp"]).timestamp()


if __name__ == "__main__":
    main()
