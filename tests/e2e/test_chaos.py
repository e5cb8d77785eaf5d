"""Every committed event arrives in order and exactly once, whatever dies in the meantime.

A short version by default; `make chaos` runs the long one (200 clients, two minutes) and prints a
summary. CHAOS_CLIENTS and CHAOS_SECONDS set the size.
"""

import asyncio
import os
import sys
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from pitwall_client import Client, Token

from tests.support.proxy import CuttableProxy, cuttable
from tools.lifetimes import tied

from . import servers
from .loop import BackgroundLoop
from .servers import ROOT, Server, kill_web_processes

pytestmark = [pytest.mark.e2e, pytest.mark.services]

CLIENTS = int(os.environ.get("CHAOS_CLIENTS", "40"))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
# A rate that the clients, all in one Python process, can follow: about 8,000 events a second.
COMMITS_PER_SECOND = min(100.0, 4000 / CLIENTS)
STREAMS = [f"room:{number}" for number in range(5)]
KILL_EVERY = 5.0
REDIS_GONE_FOR = 5.0
FROZEN_FOR = 6.0
SETTLES_WITHIN = 60.0


@dataclass
class Listener:
    """A client, and the events that it received, by stream: (offset, text) in order of arrival."""

    client: Client
    heard: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))

    async def listen(self, frozen: bool) -> None:
        began = time.monotonic()
        async for event in self.client:
            if event["type"] == "note":
                self.heard[event["stream"]].append((event["offset"], event["text"]))
            if frozen and time.monotonic() - began < FROZEN_FOR:
                await asyncio.sleep(FROZEN_FOR)


def test_every_client_ends_with_exactly_what_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: BackgroundLoop
) -> None:
    url = urlsplit(os.environ["REDIS_URL"])
    with cuttable(url.hostname or "127.0.0.1", url.port or 6379) as redis:
        monkeypatch.setenv("REDIS_URL", url._replace(netloc=f"127.0.0.1:{redis.port}").geturl())
        chaos = servers.production(tmp_path, workers=(), settings="tests.support.chaos")
        with chaos as server:
            listeners, killed = loop.run(disturb(server, redis), within=SECONDS + 180)
            committed = stored(server)
    wrong = {
        number: mistakes
        for number, listener in enumerate(listeners)
        if (mistakes := compare(listener.heard, committed))
    }
    assert wrong == {}
    # The run was as rough as intended.
    assert killed >= SECONDS / KILL_EVERY - 2
    assert sum(map(len, committed.values())) > SECONDS * COMMITS_PER_SECOND / 2
    print(
        f"{sum(map(len, committed.values()))} events to {len(listeners)} clients in {SECONDS:g} s, "
        f"{killed} web processes killed, Redis gone for {REDIS_GONE_FOR:g} s: "
        "nothing lost, doubled or out of order"
    )


def compare(
    heard: dict[str, list[tuple[int, str]]], committed: dict[str, list[tuple[int, str]]]
) -> dict[str, str]:
    """Return the differences between a client's events and the committed ones, by stream."""
    mistakes = {}
    for stream, events in committed.items():
        got = heard.get(stream, [])
        if got != events:
            missing = sorted({offset for offset, _ in events} - {offset for offset, _ in got})
            mistakes[stream] = (
                f"{len(got)} of {len(events)}; missing {missing[:5]}…{missing[-1:]}; "
                f"{len(got) - len(set(got))} doubled; in order: {got == sorted(got)}"
            )
    return mistakes


async def disturb(server: Server, redis: CuttableProxy) -> tuple[list[Listener], int]:
    """Run clients and a publisher while processes die, then let everything settle."""
    async with AsyncExitStack() as stack:
        listeners = []
        for number in range(CLIENTS):
            # The last one freezes: it has a small buffer and stops reading for a while.
            buffer = 5 if number == CLIENTS - 1 else 10_000
            token = Token(f"client{number}@1")
            address = f"{server.ws_url}/ws/probe/"
            client = await stack.enter_async_context(Client(address, token, buffer=buffer))
            await client.command("subscribe", streams=STREAMS)
            listeners.append(Listener(client))
        listening = [
            asyncio.create_task(listener.listen(frozen=listener is listeners[-1]))
            for listener in listeners
        ]
        arguments = (str(SECONDS), str(COMMITS_PER_SECOND))
        publisher = await asyncio.create_subprocess_exec(
            *tied([sys.executable, "-m", "tests.support.chaos_publisher", *arguments]),
            cwd=ROOT,
            env=dict(server.environment),
        )
        cutting = asyncio.create_task(take_redis_away(redis))
        killed = await kill_web_processes(server, every=KILL_EVERY, seconds=SECONDS)
        await cutting
        async with asyncio.timeout(60):
            assert await publisher.wait() == 0
        await settled(listeners, stored(server))
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        return listeners, killed


async def take_redis_away(redis: CuttableProxy) -> None:
    await asyncio.sleep(SECONDS / 3)
    redis.cut()
    await asyncio.sleep(REDIS_GONE_FOR)
    redis.restore()


async def settled(listeners: list[Listener], committed: dict[str, list[tuple[int, str]]]) -> None:
    """Wait until all clients have every committed event, or until the deadline."""
    deadline = time.monotonic() + SETTLES_WITHIN
    wanted = sum(map(len, committed.values()))
    while time.monotonic() < deadline:
        if all(sum(map(len, listener.heard.values())) >= wanted for listener in listeners):
            return
        await asyncio.sleep(0.2)


def stored(server: Server) -> dict[str, list[tuple[int, str]]]:
    """Return the events in the database, by stream."""
    query = """
        SELECT s.name, e.offset, e.payload::json->>'text'
        FROM realtime_event e JOIN realtime_stream s ON s.id = e.stream_id
        WHERE s.name = ANY(%s)
        ORDER BY s.name, e.offset
    """
    events: dict[str, list[tuple[int, str]]] = defaultdict(list)
    with psycopg.connect(server.environment["DATABASE_URL"]) as connection:
        for name, offset, text in connection.execute(query, [STREAMS]):
            events[name].append((offset, text))
    return dict(events)
