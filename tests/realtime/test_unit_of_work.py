"""One change, one transaction, its events last."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime import gauges, publish, streams
from realtime.models import Event, Stream
from realtime.streams import StreamKey
from realtime.unit_of_work import emit, unit_of_work
from tests.realtime.endpoints import Note

ROOM = StreamKey(1, "room:ops")
ALERTS = StreamKey(1, "alerts")

pytestmark = pytest.mark.django_db


def stored(key: StreamKey = ROOM) -> list[tuple[int, str]]:
    rows = Event.objects.filter(stream__name=key.name).order_by("offset")
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


def test_inner_units_append_with_the_outermost():
    @unit_of_work
    def inner() -> None:
        emit(ROOM, Note(text="inner"))
        assert stored() == []

    with unit_of_work():
        inner()
        assert stored() == []
    assert len(stored()) == 1


def test_an_event_without_a_unit_of_work_is_a_mistake():
    with pytest.raises(RuntimeError):
        emit(ROOM, Note(text="a"))


def test_a_fence_that_gives_way_stops_the_commit():
    class Passed:
        def check(self) -> None:
            raise PermissionError("a new holder")

    with pytest.raises(PermissionError), unit_of_work(fence=Passed()):
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
    epoch = streams.extents([ROOM])[ROOM].epoch
    assert [event.offset for event in streams.replay(ROOM, epoch, 2)] == [3, 4]
    assert [event.offset for event in streams.replay(ROOM, epoch, 0, limit=2)] == [1, 2]
    assert streams.replay(ROOM, "another", 0) == []


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
