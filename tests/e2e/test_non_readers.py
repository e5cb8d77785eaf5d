"""Fifty sockets that never read, alongside one that does."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from tests.support.sockets import SocketClient
from tests.support.tick_publisher import LOG
from tools.lifetimes import tied

from . import servers
from .loop import BackgroundLoop
from .servers import ROOT, Server

pytestmark = [pytest.mark.e2e, pytest.mark.services]

DEAF = 50
RATE = 100
SIZE = 8000
# Less than the ten seconds after which a log follower without progress is closed.
SECONDS = 6.0
READERS_P99 = 0.1
GROWTH = 2_000_000
STOPS_WITHIN = 5.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run one web process, so that it has all sockets and all their memory."""
    settings = "tests.support.probing"
    with servers.production(tmp_path, processes=1, workers=(), settings=settings) as running:
        yield running


@contextmanager
def publisher(server: Server) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.support.tick_publisher", str(RATE), str(SIZE)]
    process = Popen(tied(command), cwd=ROOT, env=dict(server.environment))
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def follower(server: Server, stack: AsyncExitStack, *, deaf: bool) -> SocketClient:
    """Open a socket that follows a latest stream and a log."""
    headers = {"Authorization": "Bearer alice@1"}
    client = await SocketClient.open(f"{server.ws_url}/ws/probe/", headers, slow=deaf)
    # Aborts: sockets that do not read would not read the end of a closing handshake either.
    stack.callback(client.connection.transport.abort)
    await client.command("subscribe", names=["tick"], logs=[LOG])
    return client


async def read(client: SocketClient, seconds: float) -> tuple[list[float], list[int]]:
    """Return the delays of the values in seconds, and the offsets of the log's events."""
    delays, offsets = [], []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        frame = await client.next()
        if frame["type"] == "tick":
            delays.append(time.time() - frame["values"]["tick"]["at"])
        elif frame["type"] == "note":
            offsets.append(frame["offset"])
    return delays, offsets


async def largest_memory(process: psutil.Process, reading: asyncio.Task[object]) -> int:
    """Return the process's peak memory during the task, in bytes."""
    largest = 0
    while not reading.done():
        largest = max(largest, process.memory_info().rss)
        await asyncio.sleep(0.1)
    return largest


def test_who_reads_is_not_delayed_memory_stays_and_the_server_stops_in_time(
    server: Server, loop: BackgroundLoop
) -> None:
    assert server.web is not None
    process = psutil.Process(server.web.pid)

    async def beside_the_deaf() -> float:
        async with AsyncExitStack() as stack:
            reader = await follower(server, stack, deaf=False)
            with publisher(server):
                await reader.event("tick", within=20)
                await read(reader, 1)
                before = process.memory_info().rss
                for _ in range(DEAF):
                    await follower(server, stack, deaf=True)
                await read(reader, 0.5)  # discards what arrived while this process opened them
                reader.frames.clear()
                reading = asyncio.create_task(read(reader, SECONDS))
                largest = await largest_memory(process, reading)
                delays, offsets = await reading
                skipping = await reader.command("request_data", request="skipping")
                assert len(skipping["data"]) == DEAF, "they were not deaf enough"
                assert sorted(delays)[int(len(delays) * 0.99)] < READERS_P99
                assert len(delays) > RATE * SECONDS * 0.9
                assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))
                assert (largest - before) / DEAF < GROWTH
                return await asyncio.to_thread(server.stop)

    assert loop.run(beside_the_deaf(), within=120) < STOPS_WITHIN
