"""Each change is one transaction, with its events last."""

import asyncio
import random
import re
import threading

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.database import threads
from realtime.database.fences import fenced
from realtime.models import Lease, LoggedEvent, Stream
from realtime.process import gauges
from realtime.streams import log, publish
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit, unit_of_work
from tests.realtime.endpoints import Note

ROOM = StreamKey(1, "room:ops")
ALERTS = StreamKey(1, "alerts")

pytestmark = pytest.mark.django_db


def stored(key: StreamKey = ROOM) -> list[tuple[int, str]]:
    rows = LoggedEvent.objects.filter(stream__name=key.name).order_by("offset")
    return list(rows.values_list("offset", "payload"))


@unit_of_work
def fail_after_emitting(text: str) -> None:
    emit(ROOM, Note(text=text))
    raise RuntimeError


def test_events_are_stored_with_contiguous_offsets_from_one():
    for _ in range(2):
        with unit_of_work():
            emit(ROOM, Note(text="a"))
            emit(ALERTS, Note(text="b"))
            emit(ROOM, Note(text="c"))
    assert [offset for offset, _ in stored()] == [1, 2, 3, 4]
    assert [offset for offset, _ in stored(ALERTS)] == [1, 2]
    assert Stream.objects.get(name=ROOM.name).head == 4


def test_a_failed_unit_leaves_neither_change_nor_event():
    with pytest.raises(RuntimeError):
        fail_after_emitting("a")
    assert stored() == []


def test_a_failed_inner_unit_takes_its_own_events_with_it():
    with unit_of_work():
        emit(ROOM, Note(text="kept"))
        with pytest.raises(RuntimeError):
            fail_after_emitting("gone")
    assert [payload for _, payload in stored()] == ['{"type":"note","text":"kept"}']


def test_an_event_that_is_made_late_knows_what_the_whole_unit_did():
    done = []
    with unit_of_work():
        emit(ROOM, lambda: Note(text=f"{len(done)} done"))
        done.append(1)
        with unit_of_work():
            done.append(2)
        assert stored() == []
    assert stored() == [(1, '{"type":"note","text":"2 done"}')]


def test_an_event_that_cannot_be_made_takes_the_unit_with_it():
    @unit_of_work
    def service() -> None:
        emit(ROOM, Note(text="a"))
        emit(ROOM, lambda: Note(text=str(1 / 0)))

    with pytest.raises(ZeroDivisionError):
        service()
    assert stored() == []


@pytest.mark.django_db(transaction=True)
async def test_units_that_make_the_same_streams_at_once_never_wait_in_a_circle():
    chance = random.Random(3)

    def tell(keys: list[StreamKey]) -> None:
        with unit_of_work():
            for key in keys:
                emit(key, Note(text="a"))

    for number in range(8):
        keys = [StreamKey(1, f"round:{number}", user_id) for user_id in range(6)]
        await asyncio.gather(*(threads.call(tell, chance.sample(keys, 3)) for _ in range(16)))
    heads = await threads.call(lambda: list(Stream.objects.values_list("head", flat=True)))
    assert sum(heads) == 8 * 16 * 3


def test_inner_units_append_with_the_outermost():
    @unit_of_work
    def inner() -> None:
        emit(ROOM, Note(text="inner"))
        assert stored() == []

    with unit_of_work():
        inner()
        assert stored() == []
    assert len(stored()) == 1


def test_streams_are_locked_last_and_in_the_order_of_their_keys():
    """Otherwise two services that emit to the same streams could deadlock."""

    @unit_of_work
    def inner(key: StreamKey) -> None:
        emit(key, Note(text="x"))
        list(Lease.objects.all())

    with CaptureQueriesContext(connection) as captured, unit_of_work():
        for key in (ROOM, ALERTS):
            inner(key)
        Lease.objects.update(holder="")
    table = Stream._meta.db_table
    statements = [query["sql"] for query in captured]
    touching = [n for n, sql in enumerate(statements) if table in sql or "realtime_event" in sql]
    service = [n for n, sql in enumerate(statements) if "realtime_lease" in sql]
    assert max(service) < min(touching)
    locking = [sql for sql in statements if sql.startswith("SELECT") and table in sql]
    order = r'ORDER BY "\w+"\."workspace_id" ASC, "\w+"\."name" ASC, "\w+"\."user_id" ASC'
    # Before that, streams that may have to be created are looked up without a lock.
    assert re.search(order, locking[-1])


@pytest.mark.django_db(transaction=True)
def test_services_that_tell_of_the_same_streams_in_any_order_never_block_each_other():
    failed: list[DatabaseError] = []
    together = threading.Barrier(4)

    def tell(keys: list[StreamKey]) -> None:
        try:
            together.wait(10)
            for _ in range(25):
                with unit_of_work():
                    for key in keys:
                        with unit_of_work():
                            emit(key, Note(text="x"))
        except DatabaseError as error:
            failed.append(error)
        finally:
            connection.close()

    names = [ROOM, ALERTS, StreamKey(1, "orders")]
    orders = [names, names[::-1], [*names[1:], names[0]], [names[2], *names[:2]]]
    threads = [threading.Thread(target=tell, args=(keys,)) for keys in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert set(Stream.objects.values_list("head", flat=True)) == {100}


def test_an_event_without_a_unit_of_work_is_a_mistake():
    with pytest.raises(RuntimeError):
        emit(ROOM, Note(text="a"))


def test_a_fence_that_gives_way_stops_the_commit():
    class Passed:
        def check(self) -> None:
            raise PermissionError("a new holder")

    with pytest.raises(PermissionError), fenced(Passed()), unit_of_work():
        emit(ROOM, Note(text="too late"))
    assert stored() == []


def test_subscribers_hear_only_after_the_commit(django_capture_on_commit_callbacks, monkeypatch):
    told: list[object] = []
    monkeypatch.setattr(publish, "publish_log", told.extend)
    with django_capture_on_commit_callbacks(execute=True):
        with unit_of_work():
            emit(ROOM, Note(text="a"))
        assert told == []
    assert len(told) == 1


def test_each_commit_is_counted():
    before = gauges.commits.value
    with unit_of_work(), unit_of_work():
        pass
    assert gauges.commits.value == before + 1


def test_replay_gives_what_came_after_an_offset():
    with unit_of_work():
        for text in "abcd":
            emit(ROOM, Note(text=text))
    epoch = log.extents([ROOM])[ROOM].epoch
    assert [event.offset for event in log.replay(ROOM, epoch, 2)] == [3, 4]
    assert [event.offset for event in log.replay(ROOM, epoch, 0, limit=2)] == [1, 2]
    assert log.replay(ROOM, "another", 0) == []


names = st.sampled_from(["room:ops", "room:dev", "alerts"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(names, max_size=5), max_size=6))
def test_offsets_are_contiguous_whatever_the_order_of_emission(units):
    Stream.objects.all().delete()
    for unit in units:
        with unit_of_work():
            for name in unit:
                emit(StreamKey(1, name), Note(text="x"))
    for stream in Stream.objects.all():
        offsets = list(stream.events.order_by("offset").values_list("offset", flat=True))
        assert offsets == list(range(1, stream.head + 1))
