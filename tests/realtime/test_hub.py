"""From a commit to every socket: logs lose nothing, latest streams stay up to date."""

import asyncio
from contextlib import suppress

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from realtime.database import threads
from realtime.fanout.log import LogFeed
from realtime.hub import REJOIN_INTERVAL, get_hub
from realtime.models import Stream
from realtime.process import gauges
from realtime.streams import log, publish
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit, unit_of_work
from tests.realtime import endpoints
from tests.realtime.endpoints import VALUES, Note, ProbeConsumer

OPS = StreamKey(1, "room:ops")


@unit_of_work
def note(*texts: str, key: StreamKey = OPS) -> None:
    for text in texts:
        emit(key, Note(text=text))


def append_unpublished(*texts: str) -> None:
    """Simulate a lost wake-up: events are in the database but were never announced."""
    with transaction.atomic():
        log.append([(OPS, Note(text=text).encode().decode()) for text in texts])


async def texts(client, count):
    return [(await client.event("note"))["text"] for _ in range(count)]


async def test_a_committed_event_reaches_every_follower_with_its_place(probe):
    first, second = await probe("alice@1"), await probe("bob@1")
    for client in (first, second):
        await client.command("subscribe", logs=["room:ops"])
    await threads.call(note, "hello")
    for client in (first, second):
        event = await client.event("note")
        assert (event["stream"], event["offset"], event["text"]) == ("room:ops", 1, "hello")
        assert event["epoch"]


async def test_an_event_of_another_workspace_never_arrives(probe):
    mine, theirs = await probe("alice@1"), await probe("eve@2")
    for client in (mine, theirs):
        await client.command("subscribe", logs=["room:ops"])
    await threads.call(note, "secret")
    await mine.event("note")
    await threads.call(note, "for two", key=StreamKey(2, "room:ops"))
    assert (await theirs.event("note"))["text"] == "for two"


async def test_a_change_that_is_rolled_back_tells_nobody(probe):
    client = await probe("alice@1")
    await client.command("subscribe", logs=["room:ops"])

    @unit_of_work
    def fails() -> None:
        emit(OPS, Note(text="never"))
        raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError):
        await threads.call(fails)
    await threads.call(note, "after")
    event = await client.event("note")
    assert (event["text"], event["offset"]) == ("after", 1)


async def test_a_client_that_comes_back_gets_exactly_what_it_missed_in_order(probe):
    client = await probe("alice@1")
    confirmed = await client.command("subscribe", logs=["room:ops"])
    epoch = confirmed["positions"]["room:ops"]["epoch"]
    await threads.call(note, "one")
    await client.event("note")
    await client.close()
    await threads.call(note, "two", "three")
    again = await probe("alice@1")
    recover = {"room:ops": {"epoch": epoch, "offset": 1}}
    confirmed = await again.command("subscribe", logs=["room:ops"], recover=recover)
    assert confirmed["positions"]["room:ops"] == {"epoch": epoch, "offset": 1, "recovered": True}
    assert await texts(again, 2) == ["two", "three"]
    await threads.call(note, "four")
    assert await texts(again, 1) == ["four"]


async def test_more_than_a_batch_is_recovered_in_order(probe):
    client = await probe("alice@1")
    confirmed = await client.command("subscribe", logs=["room:ops"])
    epoch = confirmed["positions"]["room:ops"]["epoch"]
    await client.close()
    sent = [str(number) for number in range(350)]
    await threads.call(note, *sent)
    again = await probe("alice@1")
    recover = {"room:ops": {"epoch": epoch, "offset": 0}}
    await again.command("subscribe", logs=["room:ops"], recover=recover)
    assert await texts(again, 350) == sent


async def test_a_position_of_another_epoch_is_not_recovered(probe):
    await threads.call(note, "one")
    client = await probe("alice@1")
    recover = {"room:ops": {"epoch": "another", "offset": 1}}
    confirmed = await client.command("subscribe", logs=["room:ops"], recover=recover)
    assert confirmed["positions"]["room:ops"]["recovered"] is False
    assert confirmed["positions"]["room:ops"]["offset"] == 1


async def test_a_position_below_the_floor_is_not_recovered(probe):
    await threads.call(note, "one", "two")
    stream = await threads.call(Stream.objects.get)
    await threads.call(Stream.objects.update, floor=1)
    client = await probe("alice@1")
    recover = {"room:ops": {"epoch": stream.epoch, "offset": 0}}
    confirmed = await client.command("subscribe", logs=["room:ops"], recover=recover)
    assert confirmed["positions"]["room:ops"]["recovered"] is False


async def test_a_lost_wake_up_costs_latency_and_no_event(probe):
    client = await probe("alice@1")
    await client.command("subscribe", logs=["room:ops"])
    await threads.call(append_unpublished, "lost", "lost too")
    assert await texts(client, 2) == ["lost", "lost too"]


@pytest.fixture
def no_poll(monkeypatch):
    """Stop the Hub from polling during the test."""
    monkeypatch.setattr("realtime.hub.POLL_INTERVAL", 3600)


async def test_a_hole_is_filled_before_the_event_that_shows_it(no_poll, probe):
    client = await probe("alice@1")
    await client.command("subscribe", logs=["room:ops"])
    await threads.call(append_unpublished, "unheard")
    await threads.call(note, "heard")
    assert await texts(client, 2) == ["unheard", "heard"]
    await client.command("ping")
    assert "note" not in [frame["type"] for frame in client.frames]


async def test_who_comes_back_while_the_last_follower_goes_hears_what_is_next(
    no_poll, probe, monkeypatch
):
    leaving, returning = await probe("alice@1"), await probe("bob@1")
    confirmed = await leaving.command("subscribe", logs=["room:ops"])
    await threads.call(note, "heard by both")
    await leaving.event("note")
    await threads.call(append_unpublished, "heard by bob elsewhere")
    begun, gone, catch_up = asyncio.Event(), asyncio.Event(), LogFeed.catch_up

    async def once_the_last_has_gone(feed):
        begun.set()
        await gone.wait()
        await catch_up(feed)

    monkeypatch.setattr(LogFeed, "catch_up", once_the_last_has_gone)
    epoch = confirmed["positions"]["room:ops"]["epoch"]
    recover = {"room:ops": {"epoch": epoch, "offset": 2}}
    await returning.send({"action": "subscribe", "logs": ["room:ops"], "recover": recover})
    await begun.wait()
    await leaving.command("unsubscribe", logs=["room:ops"])
    gone.set()
    confirmed = await returning.event("subscription_confirmed")
    assert confirmed["positions"]["room:ops"]["recovered"] is True
    await threads.call(note, "next")
    assert await texts(returning, 1) == ["next"]


async def test_heartbeats_tell_how_far_each_stream_was_delivered(probe, limits):
    limits["heartbeat_interval"] = 0.5
    client = await probe("alice@1")
    await client.event("heartbeat")
    await client.command("subscribe", logs=["room:ops"])
    await threads.call(note, "one")
    await client.event("note")
    client.frames.clear()
    assert (await client.event("heartbeat"))["offsets"] == {"room:ops": 1}


async def test_an_unsubscribed_stream_is_silent(probe):
    client = await probe("alice@1")
    await client.command("subscribe", logs=["room:ops", "room:dev"])
    await client.command("unsubscribe", logs=["room:ops"])
    await threads.call(note, "gone")
    await threads.call(note, "here", key=StreamKey(1, "room:dev"))
    assert (await client.event("note"))["text"] == "here"


async def test_a_latest_value_reaches_those_who_selected_it(probe):
    cpu, both = await probe("alice@1"), await probe("bob@1")
    await cpu.command("subscribe", names=["cpu"])
    await both.command("subscribe", names=["cpu", "memory"])
    values = {"cpu": 1, "memory": 2, "disk": 3}
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), values)
    assert (await cpu.event("tick"))["values"] == {"cpu": 1}
    assert (await both.event("tick"))["values"] == {"cpu": 1, "memory": 2}


async def test_what_happens_before_the_confirmation_arrives_after_it(probe, monkeypatch):
    async def publish_both(consumer: ProbeConsumer) -> None:
        await threads.call(note, "early")
        await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": 1})
        async with asyncio.timeout(5):
            while not all(s.behind for s in consumer.connection.subscriptions.values()):
                await asyncio.sleep(0.01)

    monkeypatch.setattr(ProbeConsumer, "before_reply", publish_both)
    client = await probe("alice@1")
    await client.event("heartbeat")
    client.frames.clear()
    await client.send({"action": "subscribe", "logs": ["room:ops"], "names": ["cpu"]})
    kinds = [(await client.next())["type"] for _ in range(3)]
    assert kinds[0] == "subscription_confirmed"
    assert sorted(kinds[1:]) == ["note", "tick"]


async def test_a_later_selection_replaces_the_earlier(probe):
    client = await probe("alice@1")
    await client.command("subscribe", names=["cpu"])
    await client.command("subscribe", names=["memory"])
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": 1, "memory": 2})
    assert (await client.event("tick"))["values"] == {"memory": 2}


@pytest.fixture
def rendered(monkeypatch):
    """Record the selections that a value was encoded for."""
    encoded: list[frozenset[str]] = []
    render = endpoints.render

    def counted(payload, selection):
        encoded.append(selection)
        return render(payload, selection)

    monkeypatch.setattr(endpoints, "render", counted)
    return encoded


async def test_a_value_is_encoded_once_for_all_who_selected_the_same(probe, rendered):
    clients = [await probe(f"client{number}@1") for number in range(6)]
    for number, client in enumerate(clients):
        names = ["cpu"] if number % 2 else ["memory", "cpu"]
        await client.command("subscribe", names=names)
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": 1, "memory": 2})
    for client in clients:
        await client.event("tick")
    assert sorted(rendered, key=len) == [frozenset({"cpu"}), frozenset({"cpu", "memory"})]


async def test_a_latest_value_inside_a_transaction_waits_for_the_commit(probe):
    client = await probe("alice@1")
    await client.command("subscribe", names=["cpu"])

    def publishes_and_fails() -> None:
        with transaction.atomic():
            publish.publish_latest(StreamKey(1, VALUES), {"cpu": 1})
            transaction.set_rollback(True)

    await threads.call(publishes_and_fails)
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": 2})
    assert (await client.event("tick"))["values"] == {"cpu": 2}


async def test_who_subscribes_while_the_layer_is_away_is_served_when_it_is_back(probe, monkeypatch):
    client = await probe("alice@1")
    await client.event("heartbeat")
    hub = await get_hub()
    join = hub._layer.group_add

    async def away(group: str, channel: str) -> None:
        raise ConnectionError("the layer is away")

    monkeypatch.setattr(hub._layer, "group_add", away)
    await client.command("subscribe", names=["cpu"])
    monkeypatch.setattr(hub._layer, "group_add", join)
    async with asyncio.timeout(5):
        while not hub._groups.complete:
            await asyncio.sleep(0.05)
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": 1})
    assert (await client.event("tick"))["values"] == {"cpu": 1}


async def test_frames_sent_are_counted_beyond_the_end_of_their_connection(probe):
    client = await probe("alice@1")
    await client.command("ping")
    hub = await get_hub()
    assert hub.roster.frames_sent() == 3
    await client.close()
    async with asyncio.timeout(5):
        while hub.connections:
            await asyncio.sleep(0.01)
    assert gauges.local_values()["frames_sent"] == 3


async def arrives_at_last(client, name="cpu"):
    """Publish repeatedly until a value gets through."""
    values = None
    async with asyncio.timeout(10):
        while values != {name: 1}:
            await threads.call(publish.publish_latest, StreamKey(1, VALUES), {name: 1})
            with suppress(AssertionError):
                values = (await client.event("tick", within=0.2))["values"]


@pytest.fixture
def frequent_rejoin(monkeypatch):
    monkeypatch.setattr("realtime.hub.REJOIN_INTERVAL", 0.2)


async def test_a_membership_that_the_layer_forgot_is_renewed(frequent_rejoin, probe):
    client = await probe("alice@1")
    await client.command("subscribe", names=["cpu"])
    hub = await get_hub()
    layer, group = hub._layer, publish.group_of(StreamKey(1, VALUES))
    await layer.group_discard(group, hub._groups._channel)
    await arrives_at_last(client)


async def test_memberships_are_renewed_long_before_the_layer_forgets_them():
    layer = get_channel_layer()
    expiry = getattr(layer, "group_expiry", None)  # Redis pub/sub never forgets memberships
    assert expiry is None or expiry >= 10 * REJOIN_INTERVAL


async def test_a_receive_loop_that_breaks_begins_again(probe, monkeypatch):
    client = await probe("alice@1")
    await client.command("subscribe", names=["cpu"])
    hub = await get_hub()
    receive = hub._layer.receive
    broken: list[str] = []

    async def breaks(channel: str):
        if not broken:
            broken.append(channel)
            raise ConnectionError("the layer is away")
        return await receive(channel)

    monkeypatch.setattr(hub._layer, "receive", breaks)
    # The waiting receive takes the first value; the loop breaks after it.
    await arrives_at_last(client)
    async with asyncio.timeout(5):
        while not broken:
            await asyncio.sleep(0.01)
    await client.command("subscribe", names=["disk"])
    await arrives_at_last(client, "disk")


async def test_a_thousand_messages_that_come_at_once_fit_into_the_hubs_channel(probe):
    client = await probe("alice@1")
    await client.command("subscribe", names=["number"])
    hub = await get_hub()
    group = publish.group_of(StreamKey(1, VALUES))
    messages = [
        {"type": "latest", "key": [1, VALUES, 0], "payload": b'{"number": %d}' % number}
        for number in range(1000)
    ]
    # Sends all of them in one turn of the loop: the Hub receives none in between.
    await asyncio.gather(*(hub._layer.group_send(group, message) for message in messages))
    seen = [(await client.event("tick"))["values"]["number"] for _ in messages]
    assert seen == list(range(1000))
