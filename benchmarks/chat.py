"""How soon a message of chat reaches a room, and how many are committed a second.

    python -m benchmarks.chat            # on SQLite, and on PostgreSQL with Redis
    python -m benchmarks.chat --smoke    # a moment, to see that it still runs

Latency: one person sends ten messages a second to a room that 200 follow; from the moment before
the send to the arrival at each of them. Throughput: 100 people with two messages in flight each,
which nobody follows: in one room, and over a hundred; a message counts when it is acknowledged,
which is after the COMMIT. The peer (peers/naive_chat.py) stores each message with one INSERT.
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
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from websockets.asyncio.client import connect

from benchmarks.support import client, command_line, contenders, processes, services
from benchmarks.support.client import Load, Target
from benchmarks.support.contenders import CONFIRMED, Installation
from benchmarks.support.pairs import Result, Rounds, alternate, middle, ratio
from benchmarks.support.publisher import publishing
from benchmarks.support.senders import TEXT, Sending, send_from_processes
from benchmarks.support.tables import table

SUBSCRIBE = json.dumps({"action": "subscribe", "rooms": ["r0"], "history": 0})
A_SECOND = 10
# Where the number and the time stand in a frame: in its text, and not in the HTML of that.
KEYS = ("-q", '"message":"q=', "-t", " t=")
NAIVE = "naive FastAPI"


def main() -> None:
    smoke = command_line.smoke(__doc__)
    people, rooms, seconds, rounds = (10, 10, 0.5, 1) if smoke else (200, 100, 5.0, 3)
    with TemporaryDirectory() as folder:
        backings = {"SQLite": (None, str(Path(folder) / "naive.sqlite3"))}
        measure("SQLite", *backings["SQLite"], people, rooms, seconds, rounds)
    with services.backing() as postgresql:
        title = f"PostgreSQL (fsync {fsync(postgresql['DATABASE_URL'])}), Redis"
        measure(title, postgresql, postgresql["DATABASE_URL"], people, rooms, seconds, rounds)


def measure(
    title: str,
    backing: Mapping[str, str] | None,
    database: str,
    people: int,
    rooms: int,
    seconds: float,
    rounds: int,
) -> None:
    """Both tables on one database."""
    with contextlib.ExitStack() as stack:
        installation = stack.enter_context(contenders.installed(people, services=backing))
        make_rooms(installation, rooms)
        pitwall = stack.enter_context(contenders.pitwall(installation)).target
        naive = stack.enter_context(contenders.naive("naive_chat", database=database)).target
        targets = {"Pitwall": replace(pitwall, path="/ws/chat/"), NAIVE: naive}
        cookies = installation.cookies.read_text().splitlines()
        latencies = {
            name: partial(latency, target, cookies[0], people, seconds)
            for name, target in targets.items()
        }
        print(f"\n{title}: send → received by {people}, {A_SECOND} messages a second, ms\n")
        print(
            table(
                ("", "p50", "p99", "× naive p99", "missing"),
                _latencies(alternate(latencies, rounds)),
            )
        )
        print(f"\n{title}: messages committed a second\n")
        rows = [throughput(targets, cookies, count, seconds, rounds) for count in (1, rooms)]
        print(table(("rooms", "Pitwall", NAIVE, "ratio"), rows))


def make_rooms(installation: Installation, count: int) -> None:
    """Rooms r0, r1, …, in which the installation's users are."""
    subprocess.run(
        [sys.executable, "-m", "benchmarks.support.seed_rooms", str(count)],
        cwd=processes.ROOT,
        env=dict(installation.environment),
        check=True,
    )


def fsync(database: str) -> str:
    """Whether this server waits for its disk at a commit."""
    with psycopg.connect(database) as connection:
        row = connection.execute("SHOW fsync").fetchone()
    assert row is not None
    return str(row[0])


# --- Latency ------------------------------------------------------------------------------


def latency(target: Target, cookie: str, people: int, seconds: float) -> Result:
    """How old messages are when they reach people of one room (loadclient.c)."""
    with speaking(target, cookie) as control_port:
        listening = replace(
            target,
            control_port=control_port,
            ready_mark=CONFIRMED,
            messages=(SUBSCRIBE,),
            options=KEYS,
        )
        return client.run(listening, Load(people, f"rate:{A_SECOND}", seconds, warm_up=1))


@contextlib.contextmanager
def speaking(target: Target, cookie: str) -> Iterator[int]:
    """One person who sends messages on command of the load client; yields their UDP port."""
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


def _latencies(results: Rounds) -> list[tuple[object, ...]]:
    def tick(name: str) -> Callable[[Result], float]:
        return lambda result: float(result["kinds"][0][name])

    return [
        (
            name,
            middle(found, tick("p50_ms")),
            middle(found, tick("p99_ms")),
            ratio(results, name, NAIVE, tick("p99_ms")),
            sum(result["lost"] for result in found),
        )
        for name, found in results.items()
    ]


# --- Throughput ---------------------------------------------------------------------------


def throughput(
    targets: Mapping[str, Target], cookies: list[str], rooms: int, seconds: float, rounds: int
) -> tuple[object, ...]:
    """A row: messages a second of each, over so many rooms."""

    def committed(target: Target) -> Result:
        sending = Sending(
            url=f"ws://127.0.0.1:{target.port}{target.path}",
            rooms=[f"r{number}" for number in range(rooms)],
            connections=min(100, len(cookies)),
            seconds=seconds,
            cookies=cookies,
        )
        return {"per_second": send_from_processes(sending, processes=2)}

    def value(result: Result) -> float:
        return float(result["per_second"])

    runs = {name: partial(committed, target) for name, target in targets.items()}
    results = alternate(runs, rounds)
    return (
        rooms,
        middle(results["Pitwall"], value),
        middle(results[NAIVE], value),
        ratio(results, "Pitwall", NAIVE, value),
    )


if __name__ == "__main__":
    main()
