"""Messages on their way into the channel layer: batched, in order, bounded (streams.outbox)."""

import asyncio
import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.database import threads
from realtime.streams import outbox, publish
from realtime.streams.log import StreamKey
from realtime.streams.outbox import CONTROL_GROUP, Outbox
from realtime.streams.unit_of_work import emit, unit_of_work
from tests.realtime.endpoints import Note


class Layer:
    """Records its messages; does not answer while `there` is not set."""

    def __init__(self):
        self.there = asyncio.Event()
        self.there.set()
        self.sent = []

    async def group_send(self, group, message):
        await self.there.wait()
        self.sent.append((group, message))

    def delivered(self):
        """Return each message as a Hub unpacks it."""
        return [part for _, message in self.sent for part in publish.unpack(message)]


@pytest.fixture
def layer(monkeypatch):
    layer = Layer()
    monkeypatch.setattr(outbox, "get_channel_layer", lambda: layer)
    return layer


def numbered(groups):
    """Return a numbered message for each of these groups."""
    return [(group, {"type": "log", "group": group, "n": n}) for n, group in enumerate(groups)]


async def send(messages):
    sending = Outbox(asyncio.get_running_loop())
    sending.put(messages)
    await sending.sent()
    return sending


async def test_a_thousand_groups_are_one_send(layer):
    messages = numbered(f"stream.1.{n}.x" for n in range(1000))
    await send(messages)
    assert [group for group, _ in layer.sent] == [CONTROL_GROUP]
    assert layer.delivered() == [message for _, message in messages]


async def test_few_messages_go_to_none_but_their_own_groups(layer):
    messages = numbered(["stream.1.0.a", "stream.1.0.b", CONTROL_GROUP])
    await send(messages)
    assert layer.sent == messages


async def test_many_messages_of_one_group_stay_in_it(layer):
    await send(numbered(["stream.1.0.a"] * 100))
    assert [group for group, _ in layer.sent] == ["stream.1.0.a"]


async def test_a_group_that_others_than_hubs_listen_to_gets_its_own_message(layer):
    await send(numbered(["stream.1.0.a"] * 10 + ["worker"] + ["stream.1.0.b"] * 10))
    assert [group for group, _ in layer.sent] == ["stream.1.0.a", "worker", "stream.1.0.b"]


async def test_no_message_is_larger_than_one_that_the_layer_takes(layer):
    messages = [
        (f"stream.1.{n}.x", {"type": "log", "events": [(1, "x" * 100_000)]}) for n in range(20)
    ]
    await send(messages)
    sizes = [
        sum(len(part["events"][0][1]) for part in publish.unpack(sent)) for _, sent in layer.sent
    ]
    assert sum(sizes) == 2_000_000
    assert max(sizes) <= outbox.MAX_TOGETHER


@given(st.lists(st.sampled_from(["stream.a", "stream.b", CONTROL_GROUP, "worker"]), max_size=40))
def test_every_message_arrives_once_and_in_order(groups):
    async def sent():
        layer = Layer()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outbox, "get_channel_layer", lambda: layer)
            await send(numbered(groups))
        return layer

    layer = asyncio.run(sent())
    assert layer.delivered() == [message for _, message in numbered(groups)]
    for group, message in layer.sent:
        for part in publish.unpack(message):
            assert group in (part["group"], CONTROL_GROUP)
            assert group == "worker" or part["group"] != "worker"


async def test_a_layer_that_answers_nothing_is_waited_for_once_for_a_thousand_groups(
    layer, monkeypatch, caplog
):
    monkeypatch.setattr(outbox, "SEND_TIMEOUT", 0.1)
    layer.there.clear()
    began = time.monotonic()
    sending = await send(numbered(f"stream.1.{n}.x" for n in range(1000)))
    assert time.monotonic() - began < 2
    assert not sending.busy
    layer.there.set()
    sending.put(numbered(["stream.1.0.a"]))
    await sending.sent()
    first, last = (record.getMessage() for record in caplog.records)
    assert "takes no messages" in first
    assert "1000 wake-ups were lost" in last


async def test_what_waits_for_a_stuck_layer_is_bounded_in_number_and_in_size(
    layer, monkeypatch, caplog
):
    monkeypatch.setattr(outbox, "MAX_WAITING", 50)
    monkeypatch.setattr(outbox, "MAX_WAITING_SIZE", 100_000)
    layer.there.clear()
    sending = Outbox(asyncio.get_running_loop())
    sending.put(numbered(["first"]))
    await asyncio.sleep(0)  # it is being sent now
    sending.put(numbered(f"stream.{n}" for n in range(200)))
    assert len(sending._waiting) == 50
    big = {"type": "log", "events": [(1, "x" * 30_000)]}
    sending.put([(f"stream.{n}", big) for n in range(10)])
    assert len(sending._waiting) == 3
    layer.there.set()
    await sending.sent()
    assert len(layer.delivered()) == 1 + 3
    assert "207 wake-ups were lost" in caplog.records[-1].getMessage()


async def test_a_commit_for_many_streams_reaches_each_follower(probe, monkeypatch):
    """Uses this test run's layer; some of the streams have no followers."""
    client = await probe("alice@1")
    names = [f"s{n}" for n in range(20)]
    await client.command("subscribe", logs=names)

    @unit_of_work
    def tell():
        for n in range(50):
            emit(StreamKey(1, f"s{n}"), Note(text=f"s{n}"))

    layer = outbox.get_channel_layer()
    sends, group_send = [], layer.group_send

    async def noted(group, message):
        sends.append(group)
        await group_send(group, message)

    monkeypatch.setattr(layer, "group_send", noted, raising=False)
    await threads.call(tell)
    events = [await client.event("note") for _ in names]
    assert sorted(event["stream"] for event in events) == sorted(names)
    assert all(event["stream"] == event["text"] for event in events)
    assert len(sends) <= 2


async def test_a_part_that_is_not_understood_takes_no_other_with_it(probe, caplog):
    caplog.set_level(logging.CRITICAL, "realtime.hub")
    client = await probe("alice@1")
    await client.command("subscribe", names=["cpu"])
    key = StreamKey(1, "values")
    packed = [key.workspace_id, key.name, key.user_id]
    parts = [
        {"type": "latest"},
        {"type": "latest", "key": packed, "payload": b'{"cpu":1}'},
    ]
    layer = outbox.get_channel_layer()
    await layer.group_send(CONTROL_GROUP, {"type": "batch", "messages": parts})
    assert (await client.event("tick"))["values"] == {"cpu": 1}
