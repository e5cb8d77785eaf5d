"""Old events are removed after their retention; clients that are behind are told."""

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from realtime.database import threads
from realtime.models import LoggedEvent, Stream
from realtime.streams import log
from realtime.streams.log import StreamKey
from realtime.workers import leases, retention
from realtime.workers.retention import EventExpiry, Expiry, Retention
from tests.realtime.test_hub import note

OPS, DEV = StreamKey(1, "room:ops"), StreamKey(1, "room:dev")


def age(stream: StreamKey, *, up_to: int, days: int) -> None:
    """Make events up to this offset look `days` days old."""
    events = LoggedEvent.objects.filter(stream__name=stream.name, offset__lte=up_to)
    events.update(created_at=timezone.now() - timedelta(days=days))


def pass_over() -> None:
    expiry = EventExpiry()
    expiry.begin()
    while expiry.remove_some():
        pass


@pytest.mark.django_db
def test_old_events_go_and_the_floor_says_how_far(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    note(*"abcdef")
    note("x", key=DEV)
    age(OPS, up_to=4, days=8)
    pass_over()
    extents = log.extents([OPS, DEV])
    assert (extents[OPS].floor, extents[OPS].head) == (4, 6)
    assert extents[DEV].floor == 0
    left = [event.offset for event in log.replay(OPS, extents[OPS].epoch, 0)]
    assert left == [5, 6]


@pytest.mark.django_db
def test_events_within_their_time_stay():
    note(*"abc")
    age(OPS, up_to=3, days=6)
    pass_over()
    assert LoggedEvent.objects.count() == 3


@pytest.mark.django_db
def test_offsets_go_on_after_everything_is_gone():
    note(*"abc")
    age(OPS, up_to=3, days=8)
    pass_over()
    assert LoggedEvent.objects.count() == 0
    note("d")
    assert LoggedEvent.objects.get().offset == 4
    assert Stream.objects.get().floor == 3


async def test_a_client_below_the_floor_is_told_that_it_missed_something(probe):
    await threads.call(note, *"abc")
    epoch = (await threads.call(log.extents, [OPS]))[OPS].epoch
    await threads.call(age, OPS, up_to=2, days=8)
    await threads.call(pass_over)
    client = await probe("alice@1")
    recover = {"room:ops": {"epoch": epoch, "offset": 1}}
    confirmed = await client.command("subscribe", logs=["room:ops"], recover=recover)
    assert confirmed["positions"]["room:ops"] == {"epoch": epoch, "offset": 3, "recovered": False}


@pytest.fixture
def small_ring(monkeypatch):
    """Keep only two events of a stream in memory; all others are read from the database."""
    monkeypatch.setattr("realtime.fanout.log.RING", 2)


async def test_the_floor_is_known_in_a_process_that_has_followed_all_along(small_ring, probe):
    follower = await probe("bob@1")
    epoch = await followed(follower, "abcdefgh")
    await threads.call(age, OPS, up_to=5, days=8)
    await threads.call(pass_over)
    recover = {"room:ops": {"epoch": epoch, "offset": 2}}
    async with asyncio.timeout(5):
        while True:
            client = await probe("alice@1")
            confirmed = await client.command("subscribe", logs=["room:ops"], recover=recover)
            if not confirmed["positions"]["room:ops"]["recovered"]:
                break
            await client.close()


async def test_one_whose_next_event_is_gone_is_told_so_and_gets_none_twice(
    small_ring, monkeypatch, probe
):
    monkeypatch.setattr("realtime.hub.POLL_INTERVAL", 3600)
    follower = await probe("bob@1")
    epoch = await followed(follower, "abcdefgh")
    await threads.call(age, OPS, up_to=5, days=8)
    await threads.call(pass_over)
    client = await probe("alice@1")
    recover = {"room:ops": {"epoch": epoch, "offset": 2}}
    await client.command("subscribe", logs=["room:ops"], recover=recover)
    error = await client.event("error")
    assert (error["code"], error["stream"]) == ("unrecoverable_position", "room:ops")
    assert "note" not in await client.silence()
    await threads.call(note, "i")
    assert (await client.event("note"))["offset"] == 9


async def followed(client, letters):
    """Let `client` follow the stream from its start; returns its epoch."""
    confirmed = await client.command("subscribe", logs=["room:ops"])
    await threads.call(note, *letters)
    for _ in letters:
        await client.event("note")
    return confirmed["positions"]["room:ops"]["epoch"]


@pytest.mark.django_db(transaction=True)
async def test_the_worker_sees_to_every_kind_until_nothing_is_left(monkeypatch):
    class Counted(Expiry):
        """Three batches of something."""

        begun = 0
        removed = 0

        def begin(self):
            type(self).begun += 1

        def remove_some(self):
            type(self).removed += 1
            return self.removed < 3

    monkeypatch.setattr(retention, "registry", [Counted])
    lease = await threads.call(leases.acquire, "retention", "test")
    worker = Retention(lease)
    await worker.step()
    await worker.step()
    assert (Counted.begun, Counted.removed) == (1, 3)
