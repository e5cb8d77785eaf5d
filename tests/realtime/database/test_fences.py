"""A worker's fence applies to everything that the worker runs; no write gets past it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from realtime.database import threads
from realtime.database.fences import Unfenced, current, fenced
from realtime.models import Lease, LoggedEvent, Process, Stream
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit, unit_of_work
from realtime.workers import leases, loop
from realtime.workers.leases import HeldLease, LeaseLost
from realtime.workers.worker import Worker
from tests.realtime.endpoints import Note

pytestmark = pytest.mark.django_db(transaction=True)

ROOM = StreamKey(1, "room:ops")


@unit_of_work
def say(text: str) -> None:
    """A service that does not know about workers."""
    emit(ROOM, Note(text=text))


def said() -> int:
    return LoggedEvent.objects.count()


def held(name: str = "matching") -> HeldLease:
    lease = leases.acquire(name, "test")
    assert lease is not None
    return lease


def former() -> HeldLease:
    """Return a lease that another holder has taken over."""
    lease = held()
    Lease.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert leases.acquire("matching", "another") is not None
    return lease


async def run_once(duty: Callable[[Worker], Any], name: str = "duty") -> None:
    """Run a worker that does this in its first step, and then ends."""
    stopping = asyncio.Event()

    async def step(self: Worker) -> None:
        await duty(self)
        stopping.set()

    await loop.run(type("Duty", (Worker,), {"name": name, "step": step}), stopping)


def test_a_former_holder_writes_nothing_through_a_service_that_knows_of_no_fence() -> None:
    with fenced(former()), pytest.raises(LeaseLost):
        say("too late")
    assert said() == 0


def test_a_unit_that_was_open_before_is_checked_too() -> None:
    lease = former()
    with pytest.raises(LeaseLost), unit_of_work(), fenced(lease):
        say("too late")
    assert said() == 0


def test_a_holder_writes_and_others_have_no_fence_at_all() -> None:
    with fenced(held()):
        say("in time")
    assert current() is None
    say("from the web")
    assert said() == 2


@pytest.mark.parametrize(
    "write",
    [
        lambda: Process.objects.create(process_id="x", pid=1, started_at=Now(), seen_at=Now()),
        lambda: Stream.objects.update(head=7),
        lambda: Stream.objects.all().delete(),
        lambda: transaction.atomic(Stream.objects.update)(head=7),
        lambda: execute("  -- a comment\n UPDATE realtime_stream SET head = 7"),
        lambda: execute("/* another */ DELETE FROM realtime_stream"),
        lambda: execute(
            "WITH gone AS (SELECT 1 AS id) DELETE FROM realtime_stream"
            " WHERE id IN (SELECT id FROM gone)"
        ),
        lambda: connection.cursor().executemany("DELETE FROM realtime_stream WHERE id = %s", [[1]]),
        lambda: execute("DROP TABLE realtime_stream"),
    ],
    ids=[
        *("create", "update", "delete", "atomic", "comment", "other comment", "with", "many"),
        "drop",
    ],
)
def test_a_forgotten_unit_of_work_is_refused(write: Callable[[], Any]) -> None:
    with unit_of_work():
        emit(ROOM, Note(text="a"))
    with fenced(held()), pytest.raises(Unfenced, match="unit of work"):
        write()
    assert (Stream.objects.get().head, said(), Process.objects.count()) == (1, 1, 0)


@pytest.mark.services
def test_a_copy_outside_of_a_unit_is_refused_as_well() -> None:
    with unit_of_work():
        emit(ROOM, Note(text="a"))

    def copy() -> None:
        columns = "(workspace_id, user_id, name, epoch, head, floor)"
        statement = f"COPY realtime_stream {columns} FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(statement) as rows:
            rows.write_row((1, 0, "copied", "e", 0, 0))

    with fenced(held()):
        with pytest.raises(Unfenced):
            copy()
        with unit_of_work():
            copy()
    assert set(Stream.objects.values_list("name", flat=True)) == {ROOM.name, "copied"}


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_reading_needs_no_unit() -> None:
    say("a")
    with fenced(held()):
        assert said() == 1
        with transaction.atomic():
            assert list(Stream.objects.select_for_update())
        execute("WITH here AS (SELECT updated_at FROM (SELECT 1 AS updated_at) AS t) SELECT 1")
        execute("(SELECT 1)" if connection.vendor == "postgresql" else "VALUES (1)")


def test_what_follows_a_commit_is_outside_of_its_unit() -> None:
    """A hook that calls a service gets its own unit of work, with its own events."""

    def service() -> None:
        with unit_of_work():
            transaction.on_commit(lambda: say("then"))

    with fenced(held()):
        service()
        assert said() == 1
        with pytest.raises(Unfenced), unit_of_work():
            transaction.on_commit(lambda: Stream.objects.update(head=7))
    assert Stream.objects.get().head == 1


async def test_all_that_a_worker_runs_has_its_fence() -> None:
    seen: dict[str, Any] = {}

    class Watching(Worker):
        """Records the fence that it sees in each place."""

        name = "watching"

        def __init__(self, lease: HeldLease) -> None:
            super().__init__(lease)
            seen["made"] = current()

        async def start(self) -> None:
            seen["start"] = current()

        async def step(self) -> None:
            seen["step"] = current()
            seen["call"] = await self.call(current)
            seen["thread"] = await asyncio.to_thread(current)
            await asyncio.create_task(self.task())
            stopping.set()

        async def task(self) -> None:
            seen["task"] = await threads.call(current)

        async def stop(self) -> None:
            seen["stop"] = current()

    stopping = asyncio.Event()
    await loop.run(Watching, stopping)
    assert {place: fence.name for place, fence in seen.items()} == dict.fromkeys(
        ("made", "start", "step", "call", "thread", "task", "stop"), "watching"
    )
    assert current() is None
    assert await threads.call(current) is None


async def test_workers_of_one_process_have_each_their_own() -> None:
    met, names = asyncio.Barrier(2), set()

    async def duty(worker: Worker) -> None:
        await met.wait()
        fence = await threads.call(current)
        assert isinstance(fence, HeldLease)
        assert fence.name == worker.name
        names.add(fence.name)
        await met.wait()

    await asyncio.gather(run_once(duty, "one"), run_once(duty, "two"))
    assert names == {"one", "two"}


async def test_a_task_that_outlives_its_worker_writes_nothing() -> None:
    tasks: list[asyncio.Task[None]] = []
    over = asyncio.Event()

    async def later() -> None:
        await over.wait()
        await threads.call(say, "too late")

    async def duty(worker: Worker) -> None:
        tasks.append(asyncio.create_task(later()))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_once(duty)
    over.set()
    with pytest.raises(LeaseLost):
        await tasks[0]
    assert await threads.call(said) == 0


async def test_a_worker_that_failed_writes_nothing_while_it_stops() -> None:
    ended = []

    class Flushing(Worker):
        """Fails, and then tries to store its data from memory."""

        name = "flushing"

        async def step(self) -> None:
            raise ZeroDivisionError

        async def stop(self) -> None:
            ended.append(self)
            await self.call(say, "half right")

    with pytest.raises(ZeroDivisionError):
        await loop.run(Flushing, asyncio.Event())
    assert len(ended) == 1
    assert await threads.call(said) == 0


async def test_a_thread_that_is_still_at_work_for_a_failed_instance_writes_nothing() -> None:
    resumed, entered = threading.Event(), threading.Event()
    outcomes: list[BaseException] = []

    def slow() -> None:
        with unit_of_work():
            entered.set()
            assert resumed.wait(10)
            say("too late")

    async def at_work() -> None:
        try:
            await threads.call(slow)
        except LeaseLost as error:
            outcomes.append(error)

    tasks: list[asyncio.Task[None]] = []

    async def duty(worker: Worker) -> None:
        tasks.append(asyncio.create_task(at_work()))
        await asyncio.to_thread(entered.wait, 10)
        raise ZeroDivisionError

    failing = asyncio.create_task(run_once(duty))
    async with asyncio.timeout(10):
        while not tasks or not entered.is_set():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # the instance is being abandoned; its release waits on SQLite
    resumed.set()
    with pytest.raises(ZeroDivisionError):
        await failing
    await tasks[0]
    assert len(outcomes) == 1
    assert await threads.call(said) == 0
