"""Peers that read late, slowly or not at all: the data that they get, and when they are closed.

test_outlets.py covers that a peer which reads nothing is skipped, reduced to the newest value or
closed with 4008.
"""

import asyncio

import pytest
from django.db import OperationalError

from realtime.database import threads
from realtime.fanout import log as log_feed
from realtime.fanout.connection import CLOSE_DEADLINE
from realtime.fanout.outlets import WatchedTransport
from realtime.hub import get_hub
from realtime.streams import log, publish
from realtime.streams.log import StreamKey
from tests.realtime.endpoints import VALUES, ProbeConsumer
from tests.realtime.test_hub import note, texts

DEV = StreamKey(1, "room:dev")


async def lagging(probe, name="alice", **subscription):
    """Return a follower with full buffers, its connection, and the number of messages sent."""
    client = await probe(f"{name}@1", slow=True)
    await client.command("subscribe", **subscription)
    connections = (await get_hub()).connections
    [connection] = [found for found in connections if found.principal.username == name]
    number = 0
    async with asyncio.timeout(10):
        while connection.outlet.ready:
            number += 1
            if "names" in subscription:
                value = {"cpu": "x" * 20_000}
                await threads.call(publish.publish_latest, StreamKey(1, VALUES), value)
            else:
                await threads.call(note, f"{number} " + "x" * 20_000)
            await asyncio.sleep(0.01)
    return client, connection, number


async def test_a_reply_comes_before_what_it_subscribes_to_for_one_that_lags_too(probe):
    follower = await probe("bob@1")
    await follower.command("subscribe", logs=["room:dev"])
    await threads.call(note, "old", key=DEV)
    await follower.event("note")
    client, connection, _ = await lagging(probe, names=["cpu"])
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": "waits"})
    async with asyncio.timeout(5):
        while connection.pumping is None:
            await asyncio.sleep(0.01)
    epoch = (await threads.call(log.extents, [DEV]))[DEV].epoch
    recover = {"room:dev": {"epoch": epoch, "offset": 0}}
    await client.send({"action": "subscribe", "id": 9, "logs": ["room:dev"], "recover": recover})
    async with asyncio.timeout(5):
        while not connection.held:
            await asyncio.sleep(0.01)
    seen = []
    while not seen or seen[-1].get("stream") != "room:dev":
        seen.append(await client.next())
    assert 9 in [frame.get("id") for frame in seen]


async def test_what_waits_for_one_who_reads_nothing_stays_bounded(probe, limits):
    """Followers of values are not closed, and heartbeats continue without being read."""
    limits["slow_consumer_timeout"] = 0.1
    client, connection, _ = await lagging(probe, names=["cpu"])
    transport = connection.outlet._protocol.transport
    full = transport.get_write_buffer_size()
    for _ in range(10):
        value = {"cpu": "x" * 20_000}
        await threads.call(publish.publish_latest, StreamKey(1, VALUES), value)
        await asyncio.sleep(0.1)
    assert transport.get_write_buffer_size() <= full
    assert not connection.closing
    client.connection.transport.abort()


@pytest.mark.parametrize("read_from", ["the ring", "the database"])
async def test_what_was_missed_is_never_written_in_one_piece_however_large(probe, read_from):
    """A hundred events of 60 KB would be one batch by number. The peer reads nothing at first."""
    if read_from == "the ring":
        follower = await probe("bob@1")
        await follower.command("subscribe", logs=["room:dev"])
    await threads.call(note, *(f"{n} " + "x" * 60_000 for n in range(100)), key=DEV)
    epoch = (await threads.call(log.extents, [DEV]))[DEV].epoch
    if read_from == "the ring":
        assert len(await texts(follower, 100)) == 100
    client = await probe("alice@1", slow=True)
    await client.event("heartbeat")
    connections = (await get_hub()).connections
    [connection] = [found for found in connections if found.principal.username == "alice"]
    recover = {"room:dev": {"epoch": epoch, "offset": 0}}
    await client.command("subscribe", logs=["room:dev"], recover=recover)
    async with asyncio.timeout(5):
        while connection.outlet.ready:
            await asyncio.sleep(0.01)
    waiting = connection.outlet._protocol.transport.get_write_buffer_size()
    assert waiting < 2 * log_feed.MAX_BATCH_BYTES
    assert [text.split()[0] for text in await texts(client, 100)] == [str(n) for n in range(100)]


async def test_who_reads_slowly_but_steadily_is_never_closed(probe, limits):
    limits["slow_consumer_timeout"] = 0.5
    client, connection, number = await lagging(probe, logs=["room:ops"])
    for _ in range(2):
        await threads.call(note, *["y" * 40_000 for _ in range(20)])
    for _ in range(number + 40):
        await client.event("note")
        await asyncio.sleep(0.04)  # at least 1.6 seconds in total
    assert not connection.closing


async def test_what_was_missed_is_sent_although_the_database_was_away_for_a_moment(
    probe, monkeypatch
):
    monkeypatch.setattr(log_feed, "RING", 2)
    monkeypatch.setattr("realtime.fanout.connection.RETRY_AFTER", 0.05)
    monkeypatch.setattr("realtime.hub.POLL_INTERVAL", 3600)
    follower = await probe("bob@1")
    confirmed = await follower.command("subscribe", logs=["room:ops"])
    epoch = confirmed["positions"]["room:ops"]["epoch"]
    sent = [str(number) for number in range(10)]
    await threads.call(note, *sent)
    assert await texts(follower, 10) == sent
    original, failures = log.replay, [OperationalError("away")]

    def replay(*arguments):
        if failures:
            raise failures.pop()
        return original(*arguments)

    monkeypatch.setattr(log, "replay", replay)
    client = await probe("alice@1")
    recover = {"room:ops": {"epoch": epoch, "offset": 0}}
    await client.command("subscribe", logs=["room:ops"], recover=recover)
    assert await texts(client, 10) == sent
    assert not failures


async def test_events_come_between_the_replies_to_many_commands_at_once(probe, monkeypatch):
    async def takes_a_while(consumer):
        await asyncio.sleep(0.005)

    client = await probe("alice@1")
    await client.command("subscribe", logs=["room:ops"])
    monkeypatch.setattr(ProbeConsumer, "before_reply", takes_a_while)
    for number in range(60):
        await client.send({"action": "subscribe", "id": 1000 + number})
    await threads.call(note, "meanwhile")
    async with asyncio.timeout(5):
        seen = []
        while not seen or seen[-1].get("id") != 1059:
            seen.append(await client.next())
    assert "note" in [frame["type"] for frame in seen]


async def test_a_peer_that_closes_and_reads_nothing_is_let_go_in_two_seconds(probe, monkeypatch):
    aborted = asyncio.Event()
    abort = WatchedTransport.abort
    monkeypatch.setattr(WatchedTransport, "abort", lambda self: (abort(self), aborted.set()))
    client, _, _ = await lagging(probe, names=["cpu"])
    client.say_goodbye()
    async with asyncio.timeout(CLOSE_DEADLINE + 2):
        await aborted.wait()
