"""A kind of stream that the core does not know: one file, and one line that lists it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from django.db import OperationalError

from realtime.database import threads
from realtime.fanout.connection import Connection, Subscription
from realtime.fanout.feeds import Feed
from realtime.fanout.frames import Bundle
from realtime.fanout.kinds import KINDS
from realtime.hub import get_hub
from realtime.streams import exits, publish
from realtime.streams.log import StreamKey
from tests.realtime.endpoints import VALUES, ProbeConsumer
from tests.realtime.test_hub import OPS, note

BELLS = StreamKey(1, "bells")


class Strokes(Subscription):
    """The strokes that one connection has not been told of yet."""

    __slots__ = ("feed", "missed")

    def __init__(self, feed: BellFeed) -> None:
        self.feed = feed
        self.missed = 0

    @property
    def behind(self) -> bool:
        return self.missed > 0

    async def send_next(self, connection: Connection) -> None:
        missed, self.missed = self.missed, 0
        frame = {"type": "bell", "strokes": missed, "tower": self.feed.key.name}
        connection.write(Bundle([msgspec.json.encode(frame)]))

    def end(self, connection: Connection) -> None:
        self.feed.unfollow(connection)


class BellFeed(Feed[int, str]):
    """Tells each follower how often the bell was struck since the last message.

    A follower asks for a number of strokes at once, and gets the bell's name.
    """

    kind = "bell"
    opening_fails = False
    polled: list[str] = []

    def __init__(self, key: StreamKey) -> None:
        super().__init__(key)
        self._followers: dict[Connection, Strokes] = {}

    @classmethod
    async def open(cls, keys: Sequence[StreamKey]) -> list[BellFeed]:
        if cls.opening_fails:
            raise OperationalError("the database is away")
        return [cls(key) for key in keys]

    @classmethod
    async def observe(cls, feeds: Any) -> None:
        cls.polled += [feed.key.name for feed in feeds]

    @property
    def empty(self) -> bool:
        return not self._followers

    def follow(self, connection: Connection, wanted: int) -> str:
        subscription = Strokes(self)
        subscription.missed = wanted
        self._followers[connection] = connection.subscriptions[self.place] = subscription
        return self.key.name.title()

    def unfollow(self, connection: Connection) -> None:
        if self._followers.pop(connection, None) is not None:
            del connection.subscriptions[self.place]

    def receive(self, message: publish.Message) -> None:
        for subscription in self._followers.values():
            subscription.missed += message["strokes"]

    def flush(self) -> None:
        for connection in self._followers:
            connection.pump()


@pytest.fixture(autouse=True)
def bells(monkeypatch):
    monkeypatch.setitem(KINDS, BellFeed.kind, BellFeed)
    monkeypatch.setattr(BellFeed, "polled", [])


async def strike(strokes: int, key: StreamKey = BELLS) -> None:
    hub = await get_hub()
    message = {"type": "bell", "key": [key.workspace_id, key.name, key.user_id], "strokes": strokes}
    await hub._layer.group_send(publish.group_of(key), message)


@pytest.fixture
def following(monkeypatch):
    """Let clients follow the `BellFeed` of a given key, in addition to their subscriptions."""

    def by(key: StreamKey) -> list[str]:
        told: list[str] = []

        async def follow(consumer: ProbeConsumer) -> None:
            told.append(await consumer.hub.follow(consumer.connection, BellFeed, key, 1))

        monkeypatch.setattr(ProbeConsumer, "before_reply", follow)
        return told

    return by


async def test_a_new_kind_is_followed_through_its_group_after_the_reply(probe, following):
    told = following(BELLS)
    client = await probe("alice@1")
    await client.event("heartbeat")
    client.frames.clear()
    await client.send({"action": "subscribe"})
    assert [(await client.next())["type"] for _ in range(2)] == ["subscription_confirmed", "bell"]
    assert told == ["Bells"]
    await strike(3)
    assert (await client.event("bell"))["strokes"] == 3


async def test_a_new_kind_is_among_the_subscriptions_of_a_connection_and_has_no_offset(
    probe, following, limits
):
    limits["heartbeat_interval"] = 0.5
    following(BELLS)
    client = await probe("alice@1")
    await client.command("subscribe", logs=["room:ops"])
    about = await client.command("request_data", request="connection")
    assert about["data"]["subscriptions"] == ["bells", "room:ops"]
    client.frames.clear()
    assert (await client.event("heartbeat"))["offsets"] == {"room:ops": 0}


async def test_a_new_kind_counts_as_a_subscription(probe, following, limits):
    limits["max_subscriptions"] = 1
    following(BELLS)
    client = await probe("alice@1")
    await client.command("subscribe")
    refused = await client.command("subscribe", logs=["room:ops"])
    assert refused["code"] == "too_many_subscriptions"


async def test_a_new_kind_is_looked_after_by_the_poll_while_somebody_follows(probe, following):
    following(BELLS)
    client = await probe("alice@1")
    await client.command("subscribe")
    async with asyncio.timeout(5):
        while "bells" not in BellFeed.polled:
            await asyncio.sleep(0.01)
    hub = await get_hub()
    await client.close()
    async with asyncio.timeout(5):
        while hub._feeds:
            await asyncio.sleep(0.01)


async def test_one_stream_may_be_of_several_kinds_through_one_group(probe, following):
    both = StreamKey(1, VALUES)
    following(both)
    client = await probe("alice@1")
    await client.command("subscribe", names=["cpu"])
    await client.event("bell")
    await client.command("unsubscribe", names=["cpu"])
    await strike(2, both)
    assert (await client.event("bell"))["strokes"] == 2


async def test_an_event_that_ends_a_log_ends_every_kind_of_that_stream(
    probe, following, monkeypatch
):
    monkeypatch.setitem(exits._readers, "room:", lambda payload: exits.EVERYBODY)
    following(OPS)
    client = await probe("alice@1")
    await client.command("subscribe", logs=["room:ops"])
    await client.event("bell")
    await threads.call(note, "closed")
    hub = await get_hub()
    async with asyncio.timeout(5):
        while any(connection.subscriptions for connection in hub.connections):
            await asyncio.sleep(0.01)
    await strike(1, OPS)
    assert "bell" not in await client.silence()


async def test_a_stream_that_could_not_be_opened_leaves_no_group_behind(
    probe, following, monkeypatch
):
    hub = await get_hub()
    following(BELLS)
    monkeypatch.setattr(BellFeed, "opening_fails", True)
    client = await probe("alice@1")
    assert (await client.command("subscribe"))["code"] == "unavailable"
    assert publish.group_of(BELLS) not in hub._groups._wanted
    monkeypatch.setattr(BellFeed, "opening_fails", False)
    await client.command("subscribe")
    await strike(1)
    assert await client.event("bell")
