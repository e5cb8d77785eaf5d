"""Following log streams: all or nothing, and snapshots before events (sockets.following)."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest
import pytest_asyncio
from django.db import OperationalError

from realtime.database import threads
from realtime.fanout.log import LogFeed
from realtime.hub import get_hub
from realtime.streams import log, publish
from realtime.streams.unit_of_work import emit, unit_of_work
from tests.realtime import ledger
from tests.realtime.ledger import LedgerConsumer
from tests.support.sockets import SocketClient

Ledger = Callable[..., Awaitable[SocketClient]]
ALICE = sum(b"alice")


@pytest.fixture
def no_poll(monkeypatch):
    """Stop the Hub from polling during the test."""
    monkeypatch.setattr("realtime.hub.POLL_INTERVAL", 3600)


@unit_of_work
def enter(key: log.StreamKey, *texts: str) -> None:
    for text in texts:
        emit(key, ledger.Entry(text=text))


ACCOUNT, MAIN = ledger.account(1, ALICE), ledger.book(1, "main")


@pytest_asyncio.fixture
async def opened(probe_server: str) -> AsyncIterator[Ledger]:
    """`await opened("alice@1")` opens a socket of the ledger; without a token, anonymously."""
    async with AsyncExitStack() as stack:

        async def connect(token: str | None = None) -> SocketClient:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            client = await SocketClient.open(f"ws://{probe_server}/ws/ledger/", headers)
            stack.push_async_callback(client.close)
            return client

        yield connect


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(key, "a")` enters this once logs are followed and nothing has been sent yet."""

    def prepared(key, *texts):
        entered = []

        async def happens(consumer):
            if not entered:
                entered.append(key)
                await threads.call(enter, key, *texts)
                # Long enough for the event to be written, unless it is held back.
                await arrived(key, texts)

        monkeypatch.setattr(LedgerConsumer, "before_snapshot", happens)

    return prepared


async def arrived(key, texts) -> None:
    """Return once the Hub has received these entries and has had a turn to write them."""
    hub = await get_hub()
    async with asyncio.timeout(5):
        place = (LogFeed.kind, key)
        while place not in hub._feeds or hub._feeds[place].head < len(texts):
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)


async def kinds(client, count) -> list[str]:
    """Return the kinds of the next frames, except heartbeats and the greeting."""
    found = []
    while len(found) < count:
        frame = await client.next()
        if frame["type"] not in ("connection_established", "heartbeat"):
            found.append(frame.get("text", frame["type"]))
    return found


async def test_a_stream_of_ones_own_comes_without_asking_and_snapshot_first(opened, meanwhile):
    meanwhile(ACCOUNT, "a", "b")
    assert await kinds(await opened("alice@1"), 3) == ["ledger_snapshot", "a", "b"]


async def test_confirmation_then_snapshot_then_events(opened, meanwhile):
    client = await opened("alice@1")
    await client.event("ledger_snapshot")
    meanwhile(MAIN, "a")
    await client.send({"action": "subscribe", "books": ["main"]})
    assert await kinds(client, 3) == ["subscription_confirmed", "ledger_snapshot", "a"]


async def test_what_was_missed_comes_after_the_confirmation_and_without_a_snapshot(opened):
    client = await opened("alice@1")
    await threads.call(enter, MAIN, "a", "b", "c")
    reply = await client.command("subscribe", books=["main"])
    epoch = reply["positions"]["book:main"]["epoch"]
    again = await opened("alice@1")
    await again.event("ledger_snapshot")
    recover = {"book:main": {"epoch": epoch, "offset": 1}}
    await again.send({"action": "subscribe", "books": ["main"], "recover": recover})
    confirmed = await again.event("subscription_confirmed")
    assert confirmed["positions"] == {"book:main": {"epoch": epoch, "offset": 1, "recovered": True}}
    assert await kinds(again, 2) == ["b", "c"]


async def test_what_follows_the_own_stream_in_one_command_is_held_until_the_command_ends(
    opened, meanwhile
):
    """The own stream's snapshot, sent during `authenticate`, must not let pushes through."""
    client = await opened()
    await client.event("connection_established")
    entered = []

    async def happens(consumer):
        if (LogFeed.kind, MAIN) in (await get_hub())._feeds and not entered:
            entered.append(MAIN)
            await threads.call(enter, MAIN, "a")
            await arrived(MAIN, ["a"])

    LedgerConsumer.before_snapshot = happens
    try:
        await client.send({"action": "authenticate", "token": "alice@1", "channels": ["main"]})
        assert await kinds(client, 5) == [
            "auth_success",
            "ledger_snapshot",
            "subscription_confirmed",
            "ledger_snapshot",
            "a",
        ]
    finally:
        LedgerConsumer.before_snapshot = None


async def test_a_snapshot_that_fails_does_not_silence_the_stream(opened, monkeypatch):
    async def fails(consumer):
        raise OperationalError("the database is away")

    monkeypatch.setattr(LedgerConsumer, "before_snapshot", fails)
    client = await opened("alice@1")
    assert (await client.event("error"))["code"] == "unavailable"
    await threads.call(enter, ACCOUNT, "a")
    assert (await client.event("entry"))["text"] == "a"


async def test_a_position_of_a_stream_that_is_not_followed_is_refused_by_its_name(opened):
    client = await opened("alice@1")
    await client.event("ledger_snapshot")
    recover = {"book:main": {"epoch": "e", "offset": 0}, "room:x": {"epoch": "e", "offset": 0}}
    refused = await client.command("subscribe", books=["main"], recover=recover)
    assert (refused["code"], list(refused["errors"])) == ("invalid_command", ["recover[room:x]"])
    assert await followed(client) == ["account"]


async def test_a_command_beyond_the_limit_follows_none_of_its_streams(opened, limits):
    limits["max_subscriptions"] = 3
    client = await opened("alice@1")
    await client.event("ledger_snapshot")
    refused = await client.command("subscribe", books=["a", "b", "c"])
    assert refused["code"] == "too_many_subscriptions"
    assert await followed(client) == ["account"]
    assert (await client.command("subscribe", books=["a", "b"]))["type"] != "error"


async def test_streams_that_cannot_be_looked_up_are_not_followed_by_halves(opened, monkeypatch):
    client = await opened("alice@1")
    await client.event("ledger_snapshot")
    extents = log.extents

    def away(keys):
        if MAIN in keys:
            raise OperationalError("the database is away")
        return extents(keys)

    monkeypatch.setattr(log, "extents", away)
    assert (await client.command("subscribe", books=["b", "main"]))["code"] == "unavailable"
    assert await followed(client) == ["account"]
    hub = await get_hub()
    assert publish.group_of(ledger.book(1, "b")) not in hub._groups._wanted
    monkeypatch.undo()
    await client.command("subscribe", books=["b", "main"])
    await threads.call(enter, MAIN, "a")
    assert (await client.event("entry"))["text"] == "a"


async def test_many_streams_are_looked_up_together(opened, monkeypatch):
    client = await opened("alice@1")
    await client.event("ledger_snapshot")
    extents, asked = log.extents, []

    def noted(keys):
        asked.append({key for key in keys if key.name.startswith("book:")})
        return extents(keys)

    monkeypatch.setattr(log, "extents", noted)
    names = [str(number) for number in range(60)]
    reply = await client.command("subscribe", books=names)
    assert len(reply["positions"]) == 60
    assert len(asked[0]) == 60
    # Once more for events in between, and in the poll every second: never one by one.
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            while len(asked) < 3:
                await asyncio.sleep(0.01)
    assert all(len(keys) == 60 for keys in asked)


async def test_an_event_that_comes_while_its_stream_is_being_looked_up_arrives_at_once(
    no_poll, opened, monkeypatch
):
    client = await opened("alice@1")
    await client.event("ledger_snapshot")
    extents, unpack_key, received = log.extents, publish.unpack_key, threading.Event()

    def meanwhile_committed(keys):
        found = extents(keys)
        if not received.is_set():
            enter(MAIN, "a")
            assert received.wait(5)
        return found

    def noted(packed):
        received.set()
        return unpack_key(packed)

    monkeypatch.setattr(log, "extents", meanwhile_committed)
    monkeypatch.setattr(publish, "unpack_key", noted)
    confirmed = await client.command("subscribe", books=["main"])
    assert confirmed["positions"]["book:main"]["offset"] == 0
    assert (await client.event("entry"))["text"] == "a"


async def followed(client) -> list[str]:
    reply = await client.command("request_data", request="connection")
    return reply["data"]["subscriptions"]
