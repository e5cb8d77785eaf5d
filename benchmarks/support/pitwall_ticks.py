"""Ticks of the dashboard's stream, as a collector publishes them.

Run as a program, it publishes from a separate process through Redis, as a worker does:
`python -m benchmarks.support.pitwall_ticks PORT`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.support.settings")
django.setup()

from accounts.models import Workspace  # noqa: E402
from accounts.prepare import WORKSPACE_SLUG  # noqa: E402
from benchmarks.support import wakeups  # noqa: E402
from benchmarks.support.publisher import Send, publishing  # noqa: E402
from dashboard import selection, streams  # noqa: E402
from realtime.protocol import rfc3339  # noqa: E402
from realtime.streams import publish  # noqa: E402

# These make the frame about as long as the peers' tick (tests/benchmarks compares them).
READINGS = (
    ("custom", "requests_per_second", 812.5),
    ("custom", "memory_usage", 41.25),
    ("custom", "disk_usage", 73.5),
    ("custom", "cpu_usage", 12.5),
)
EXTRA = int(os.environ.get("BENCH_EXTRA_METRICS", "0"))


def payload(number: int, at: float) -> dict[str, object]:
    """Return one tick of the dashboard. The load client reads the metrics q and t."""
    extra = [("system", f"disk_write_rate_{n:03}", 1234.5 + n) for n in range(EXTRA)]
    numbers = [("custom", "q", number), ("custom", "t", at)]
    return selection.payload(rfc3339(at), [*numbers, *READINGS, *extra])


def sender() -> Send:
    """Return the function that publishes a tick in the users' workspace. Synchronous: one query."""
    key = streams.metrics(Workspace.objects.get(slug=WORKSPACE_SLUG).pk)

    async def send(number: int, at: float) -> None:
        publish.publish_latest(key, payload(number, at))

    return send


def chosen() -> Send:
    """Return the function that publishes: ticks, or commits for BENCH_GROUPS users."""
    groups = int(os.environ.get("BENCH_GROUPS", "0"))
    return wakeups.sender(groups, os.environ["BENCH_WAY"]) if groups else sender()


@contextlib.contextmanager
def allowed_to_query() -> Iterator[None]:
    """Allow a query in the event loop before the server serves: it blocks nobody yet."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        yield
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


async def _run(port: int) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    publish.bind(loop)
    with allowed_to_query():
        send = chosen()
    async with publishing(port, send):
        print("ready", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1])))
