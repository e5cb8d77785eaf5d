"""Readings that wait for the database."""

from dashboard.collection.backlog import Backlog, Batch
from dashboard.samples.readings import SourceReading


def batch(workspace_id: int, tick: int, rows: int = 1) -> Batch:
    readings = (SourceReading(1, f"m{n}", tick, 0.0) for n in range(rows))
    return Batch(workspace_id, tick, tuple(readings))


def test_the_oldest_give_way_and_are_counted() -> None:
    backlog = Backlog(keep_seconds=60)
    for tick in range(100):
        backlog.add(batch(1, tick, rows=3))
    assert [b.tick for b in backlog.peek(1000)] == list(range(39, 100))
    assert backlog.take_lost() == 39 * 3
    assert backlog.take_lost() == 0


def test_batches_are_stored_by_workspace_the_longest_waiting_first() -> None:
    backlog = Backlog(keep_seconds=60)
    waiting = [batch(1, 1), batch(2, 1), batch(1, 2), batch(2, 2)]
    for each in waiting:
        backlog.add(each)
    assert backlog.peek(10) == [waiting[0], waiting[2]]
    backlog.remove(backlog.peek(1))
    assert backlog.peek(10) == [waiting[1], waiting[3]]
    assert backlog.newest_of(1) is waiting[2]


def test_what_gave_way_while_it_was_stored_is_no_trouble() -> None:
    backlog = Backlog(keep_seconds=1)
    backlog.add(batch(1, 1))
    being_stored = backlog.peek(1)
    backlog.add(batch(1, 10))
    backlog.remove(being_stored)
    assert [b.tick for b in backlog.peek(10)] == [10]
