"""Benchmark of chat: how soon a message reaches a room, and how many are committed a second.

    python -m benchmarks.chat            # on SQLite, and on PostgreSQL with Redis
    python -m benchmarks.chat --smoke    # a moment, to see that it still runs

Latency: one user sends ten messages a second to a room with 200 followers; measured from just
before the send to the arrival at each follower. Throughput: 100 users with two messages in flight
each and no followers, in one room and spread over a hundred; a message counts when it is
acknowledged, which is after the COMMIT. The peer (peers/naive_chat.py) stores each message with one
INSERT; "numbered", on PostgreSQL, in one transaction that gives it the next number of its room.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from tempfile import TemporaryDirectory

import psycopg
from websockets.asyncio.client import connect

from benchmarks.support import client, command_line, contenders, processes, services
from benchmarks.support.client import Load, Target
from benchmarks.support.contenders import CONFIRMED, Installation
from benchmarks.support.pairs import Result, alternate, middle, ratio
from benchmarks.support.publisher import publishing
from benchmarks.support.senders import TEXT, Sending, send_from_processes
from benchmarks.support.tables import table
from tools.lifetimes import tied

SUBSCRIBE = json.dumps({"action": "subscribe", "rooms": ["r0"], "history": 0})
A_SECOND = 10
# The keys of the number and the time in a frame: in its text, not in the HTML copy of it.
KEYS = ("-q", '"message":"q=', "-t", " t=")
NAIVE = "naive FastAPI"


@dataclass(frozen=True)
class Size:
    """The number of users and rooms, the seconds per measurement, and the number of rounds."""

    people: int
    rooms: int
    seconds: float
    rounds: int


def main() -> None:
    size = Size(10, 10, 0.5, 1) if command_line.smoke(__doc__) else Size(200, 100, 5.0, 3)
    with TemporaryDirectory() as folder:
        measure("SQLite", None, f"{folder}/naive.sqlite3", size)
    with services.backing() as backing:
        database = backing["DATABASE_URL"]
        measure(f"PostgreSQL (fsync {fsync(database)}), Redis", backing, database, size)


def measure(title: str, backing: Mapping[str, str] | None, database: str, size: Size) -> None:
    """Print both tables for one database. `database` is its URL for the peer."""
    with contextlib.ExitStack() as stack:
        installation = stack.enter_context(contenders.installed(size.people, services=backing))
        make_rooms(installation, size.rooms)
        pitwall = stack.enter_context(contenders.pitwall(installation)).target
        naive = partial(contenders.naive, "naive_chat", database=database)
        targets = {
            "Pitwall": replace(pitwall, path="/ws/chat/"),
            NAIVE: stack.enter_context(naive()).target,
        }
        if backing is not None:
            targets[f"{NAIVE}, numbered"] = stack.enter_context(naive(numbered=1)).target
        cookies = installation.cookies.read_text().splitlines()
        print(f"\n{title}: send → received by {size.people}, {A_SECOND} messages a second, ms\n")
        rows = latencies(targets, cookies, size)
        print(table(("", "p50", "p99", "× naive p99", "missing"), rows))
        print(f"\n{title}: messages committed a second\n")
        rows = [throughput(targets, cookies, rooms, size) for rooms in (1, size.rooms)]
        print(table(("rooms", *targets, *(f"× {name}" for name in list(targets)[1:])), rows))


def make_rooms(installation: Installation, count: int) -> None:
    """Create rooms r0, r1, … with the installation's users as members."""
    subprocess.run(
        tied([sys.executable, "-m", "benchmarks.support.seed_rooms", str(count)]),
        cwd=processes.ROOT,
        env=dict(installation.environment),
        check=True,
    )


def fsync(database: str) -> str:
    """Return the server's `fsync` setting: whether a commit waits for its disk."""
    with psycopg.connect(database) as connection:
        row = connection.execute("SHOW fsync").fetchone()
    assert row is not None
    return str(row[0])


# --- Latency ------------------------------------------------------------------------------


def latencies(
    targets: Mapping[str, Target], cookies: list[str], size: Size
) -> list[tuple[object, ...]]:
    """Return a row per server: the age of messages when they reach the users of one room."""

    def value(name: str) -> Callable[[Result], float]:
        return lambda result: float(result["kinds"][0][name])

    runs = {name: partial(latency, target, cookies[0], size) for name, target in targets.items()}
    results = alternate(runs, size.rounds)
    return [
        (
            name,
            middle(found, value("p50_ms")),
            middle(found, value("p99_ms")),
            ratio(results, name, NAIVE, value("p99_ms")),
            sum(result["lost"] for result in found),
        )
        for name, found in results.items()
    ]


def latency(target: Target, cookie: str, size: Size) -> Result:
    """Have one user send and all users listen (loadclient.c)."""
    with speaking(target, cookie) as control_port:
        listening = replace(
            target,
            control_port=control_port,
            ready_mark=CONFIRMED,
            messages=(SUBSCRIBE,),
            options=KEYS,
        )
        # Seconds until all users who joined have been told of each other.
        load = Load(size.people, f"rate:{A_SECOND}", size.seconds, warm_up=5)
        return client.run(listening, load)


@contextlib.contextmanager
def speaking(target: Target, cookie: str) -> Iterator[int]:
    """Run one user who sends messages on the load client's commands. Yields the UDP port."""
    port = processes.free_port(socket.SOCK_DGRAM)
    ready, done = threading.Event(), threading.Event()

    async def speak() -> None:
        url = f"ws://127.0.0.1:{target.port}{target.path}"
        async with connect(url, additional_headers={"Cookie": cookie}, compression=None) as line:

            async def send(number: int, at: float) -> None:
                text = f"q={number} t={at:.6f} {TEXT}"
                command = {"action": "send_message", "id": number, "room": "r0", "text": text}
                await line.send(json.dumps(command))

            async with publishing(port, send):
                ready.set()
                while not done.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(line.recv(), 0.1)  # acknowledgements, heartbeats

    speaker = threading.Thread(target=lambda: asyncio.run(speak()), daemon=True)
    speaker.start()
    if not ready.wait(10):
        raise RuntimeError("The sender could not connect.")
    try:
        yield port
    finally:
        done.set()
        speaker.join()


# --- Throughput ---------------------------------------------------------------------------


def throughput(
    targets: Mapping[str, Target], cookies: list[str], rooms: int, size: Size
) -> tuple[object, ...]:
    """Return a row: each server's messages a second over `rooms` rooms, and Pitwall's ratio."""

    def committed(target: Target) -> Result:
        sending = Sending(
            url=f"ws://127.0.0.1:{target.port}{target.path}",
            rooms=[f"r{number}" for number in range(rooms)],
            connections=min(100, size.people),
            seconds=size.seconds,
            cookies=cookies,
        )
        return {"per_second": send_from_processes(sending, processes=2)}

    def value(result: Result) -> float:
        return float(result["per_second"])

    runs = {name: partial(committed, target) for name, target in targets.items()}
    results = alternate(runs, size.rounds)
    peers = list(targets)[1:]
    return (
        rooms,
        *(middle(results[name], value) for name in targets),
        *(ratio(results, "Pitwall", name, value) for name in peers),
    )


if __name__ == "__main__":
    main()
