"""An acknowledged message is stored once, and all members of the room get it in order.

A short version by default; `make chaos-chat` runs the long one (200 clients, a minute) and prints a
summary. CHAOS_CLIENTS, CHAOS_SECONDS and CHAOS_RATE (messages a second) set the size.

The tests compare the clients' records (tests.support.talkers), which come from frames alone, with
the rows of the messages' table, read with plain SQL at the end.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.support.redis_server import RedisServer, running_redis
from tests.support.talkers import Place, Talker
from tools.lifetimes import tied

from . import servers
from .loop import BackgroundLoop
from .servers import ROOT, Server, kill_web_processes

pytestmark = [pytest.mark.e2e, pytest.mark.services]

CLIENTS = int(os.environ.get("CHAOS_CLIENTS", "40"))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "15"))
RATE = float(os.environ.get("CHAOS_RATE", "60"))
ROOMS = max(2, CLIENTS // 10)
KILL_EVERY = 5.0
REDIS_GONE_FOR = 4.0
LINES_BREAK_EVERY = 15.0  # seconds per client, on average
SETTLES_WITHIN = 60.0

Stored = dict[str, list[Place]]


@dataclass
class Seen:
    """The results of a run: the clients with their records, and the messages in the database."""

    talkers: list[Talker]
    stored: Stored
    killed: int


def test_every_acknowledged_message_is_stored_once_and_reaches_everybody_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: BackgroundLoop
) -> None:
    with running_redis(tmp_path) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        with servers.production(
            tmp_path, workers=(), settings="tests.support.chaos_chat"
        ) as server:
            talkers = people(server)
            killed = loop.run(disturb(server, redis, talkers), within=SECONDS + 240)
            seen = Seen(talkers, stored(server), killed)
    assert [refusal for talker in talkers for refusal in talker.refused] == []
    assert wrong_sequences(seen) == {}
    assert wrong_acknowledgements(seen) == []
    assert wrong_hearing(seen) == {}
    assert_it_was_rough(seen)
    print(summary(seen))


def wrong_sequences(seen: Seen) -> dict[str, str]:
    """Return the rooms whose messages are not numbered 1, 2, 3 …, or that have duplicates."""
    wrong = {}
    for room, places in seen.stored.items():
        texts = {place.text for place in places}
        if [place.sequence for place in places] != list(range(1, len(places) + 1)):
            wrong[room] = "not contiguous from 1"
        elif len(texts) != len(places):
            wrong[room] = f"{len(places) - len(texts)} messages are stored more than once"
    return wrong


def wrong_acknowledgements(seen: Seen) -> list[str]:
    """Return acknowledged messages that are not stored exactly once, at the position told."""
    found = defaultdict(list)
    for room, places in seen.stored.items():
        for place in places:
            found[place.text].append((room, place))
    told = {text: all_ for talker in seen.talkers for text, all_ in talker.told.items()}
    wrong = [
        f"{text}: told {all_}, stored {found[text]}"
        for text, all_ in told.items()
        if set(all_) != set(found[text]) or len(found[text]) != 1
    ]
    return wrong + [f"{text}: nobody sent it" for text in found.keys() - told.keys()]


def wrong_hearing(seen: Seen) -> dict[str, str]:
    """Return the errors in what each client received, by user and room."""
    wrong = {}
    for talker in seen.talkers:
        for room in talker.rooms:
            heard, stored_ = talker.heard[room], seen.stored.get(room, [])
            if heard != stored_:
                missing = sorted(set(stored_) - set(heard))
                wrong[f"{talker.name} in {room}"] = (
                    f"{len(heard)} of {len(stored_)}; missing {missing[:3]}; "
                    f"{len(heard) - len(set(heard))} doubled; in order: {heard == sorted(heard)}"
                )
    return wrong


def assert_it_was_rough(seen: Seen) -> None:
    """Check that the run was as rough as intended."""
    assert seen.killed >= SECONDS / KILL_EVERY - 2
    assert sum(map(len, seen.stored.values())) == messages_each() * CLIENTS
    assert sum(talker.cuts for talker in seen.talkers) > CLIENTS / 4
    assert sum(talker.retried for talker in seen.talkers) > 0
    assert sum(talker.answered_late + talker.repeated for talker in seen.talkers) > 0


def summary(seen: Seen) -> str:
    def total(name: str) -> int:
        return sum(getattr(talker, name) for talker in seen.talkers)

    heard = sum(len(places) for talker in seen.talkers for places in talker.heard.values())
    return (
        f"{sum(map(len, seen.stored.values()))} messages in {ROOMS} rooms from {CLIENTS} clients "
        f"in {SECONDS:g} s, {heard} deliveries; {seen.killed} web processes killed, Redis killed "
        f"and empty after {REDIS_GONE_FOR:g} s, {total('cuts')} lines cut; {total('retried')} "
        f"answers did not come, {total('answered_late')} of them to messages that were stored, "
        f"{total('repeated')} messages were sent again after their acknowledgement: "
        "each stored once, nothing lost, doubled or out of order"
    )


def messages_each() -> int:
    return round(SECONDS * RATE / CLIENTS)


def people(server: Server) -> list[Talker]:
    """Create the rooms and the users, with one client each."""
    made = subprocess.run(
        tied([sys.executable, "-m", "tests.support.chaos_chat_seed", str(CLIENTS), str(ROOMS)]),
        cwd=ROOT,
        env=dict(server.environment),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    address = f"{server.ws_url}/ws/chat/"
    return [Talker.on(address, **json.loads(line)) for line in made.stdout.splitlines()]


async def disturb(server: Server, redis: RedisServer, talkers: list[Talker]) -> int:
    """Let all clients talk while processes die, then let everything settle. Returns the kills."""
    async with AsyncExitStack() as stack:
        for talker in talkers:
            await stack.enter_async_context(talker.line)
            await talker.line.command("subscribe", rooms=talker.rooms, history=0)
        breaking = [
            asyncio.create_task(each.break_now_and_then(LINES_BREAK_EVERY)) for each in talkers
        ]
        listening = [asyncio.create_task(each.listen()) for each in talkers]
        talking = [asyncio.create_task(each.talk(messages_each(), SECONDS)) for each in talkers]
        restarting = asyncio.create_task(restart_redis(redis))
        killed = await kill_web_processes(server, every=KILL_EVERY, seconds=SECONDS)
        await restarting
        for task in breaking:
            task.cancel()
        async with asyncio.timeout(SETTLES_WITHIN):
            await asyncio.gather(*talking)
        await settled(talkers, stored(server))
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, *breaking, return_exceptions=True)
        return killed


async def restart_redis(redis: RedisServer) -> None:
    await asyncio.sleep(SECONDS / 3)
    redis.kill()
    await asyncio.sleep(REDIS_GONE_FOR)
    await asyncio.to_thread(redis.start)


async def settled(talkers: list[Talker], wanted: Stored) -> None:
    """Wait until all clients have every message, or until the deadline."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while time.monotonic() < deadline:
        if all(
            len(talker.heard[room]) >= len(wanted.get(room, []))
            for talker in talkers
            for room in talker.rooms
        ):
            return
        await asyncio.sleep(0.2)


def stored(server: Server) -> Stored:
    """Return the messages in the database, by room."""
    query = """
        SELECT r.slug, m.sequence, m.id, m.text
        FROM chat_message m JOIN chat_room r ON r.id = m.room_id
        WHERE r.slug LIKE 'chaos%' ORDER BY r.slug, m.sequence
    """
    rooms: Stored = defaultdict(list)
    with psycopg.connect(server.environment["DATABASE_URL"]) as connection:
        for slug, sequence, message_id, text in connection.execute(query):
            rooms[slug].append(Place(sequence, message_id, text))
    return dict(rooms)
