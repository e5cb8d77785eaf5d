"""A commit whose outcome nobody knows: what a worker changes is never applied twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from django.db import OperationalError, connection, connections

from realtime import publish, threads, workers
from realtime.models import Event
from realtime.streams import StreamKey
from realtime.unit_of_work import emit, unit_of_work
from realtime.workers import Worker
from tests.realtime.endpoints import Note
from tests.support.proxy import CommitCutter, Moment

pytestmark = pytest.mark.django_db(transaction=True)

APPLIED = StreamKey(1, "applied")
Run = Callable[[type[Worker], asyncio.Event], Any]


def applied() -> list[int]:
    """What has been applied, in order."""
    notes = Event.objects.filter(stream__name=APPLIED.name).order_by("offset")
    return [int(payload.split('"')[-2]) for payload in notes.values_list("payload", flat=True)]


class Numbers(Worker):
    """Applies 1, 2, 3, …; keeps in memory how far it is, as a matcher keeps its books."""

    name = "numbers"
    interval = 0.01
    lives = 0

    async def start(self) -> None:
        type(self).lives += 1
        self.reached = len(await self.call(applied))

    async def step(self) -> None:
        self.reached += 1
        await self.call(self.apply, self.reached)

    def apply(self, number: int) -> None:
        with unit_of_work():
            emit(APPLIED, Note(text=str(number)))


@pytest.fixture(params=[workers.run, workers.run_supervised], ids=["own process", "web process"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """How a worker runs in a process of its own, and inside the web process."""
    monkeypatch.setattr(workers, "backoff", lambda failures: 0.01)
    monkeypatch.setattr(Numbers, "lives", 0)
    publish.bind(asyncio.new_event_loop())  # nobody listens
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def cutter(transactional_db: None) -> Iterator[CommitCutter]:
    """What the service threads reach the database through from now on."""
    place = connections.settings["default"]
    direct = {name: place[name] for name in ("HOST", "PORT")}
    cutter = CommitCutter(direct["HOST"], int(direct["PORT"]), about=b'INTO "realtime_event"')
    connection.close_pool()  # type: ignore[attr-defined]
    place |= {"HOST": "127.0.0.1", "PORT": cutter.port}
    try:
        yield cutter
    finally:
        place |= direct
        connection.close_pool()  # type: ignore[attr-defined]
        cutter.cut()


@pytest.fixture
def slow_commits(transactional_db: None) -> Iterator[None]:
    """Each commit of an event takes a moment on the server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END'"
        )
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON realtime_event"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dawdle()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION dawdle CASCADE")


async def reached(number: int, within: float = 15) -> None:
    async with asyncio.timeout(within):
        while len(await threads.call(applied)) < number:
            await asyncio.sleep(0.01)


async def ran_through(run: Run, cutter: CommitCutter, moment: Moment) -> list[int]:
    """Let the worker meet three such cuts; returns what it applied."""
    stopping = asyncio.Event()
    running = asyncio.create_task(run(Numbers, stopping))
    for cut in range(1, 4):
        await reached(3 * cut)
        cutter.cut_next(moment)
        async with asyncio.timeout(10):
            while cutter.cuts < cut:
                await asyncio.sleep(0.01)
    await reached(12)
    stopping.set()
    await running
    return await threads.call(applied)


@pytest.mark.services
@pytest.mark.parametrize("moment", get_args(Moment))
async def test_a_connection_cut_at_the_commit_applies_nothing_twice_and_skips_nothing(
    run: Run, cutter: CommitCutter, moment: Moment
) -> None:
    numbers = await ran_through(run, cutter, moment)
    assert numbers == list(range(1, len(numbers) + 1))
    assert Numbers.lives == 4


@pytest.mark.services
async def test_a_commit_that_the_server_is_still_carrying_out_is_waited_for(
    run: Run, slow_commits: None, cutter: CommitCutter
) -> None:
    numbers = await ran_through(run, cutter, "while it is carried out")
    assert numbers == list(range(1, len(numbers) + 1))
    assert Numbers.lives == 4


async def test_a_commit_that_failed_leaves_nothing_in_memory(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [True, False]

    def commit_fails(*args: Any) -> None:
        if failing.pop(0) if failing else False:
            raise OperationalError("the database is away")

    monkeypatch.setattr("realtime.streams.append", wrapped(commit_fails))
    stopping = asyncio.Event()
    running = asyncio.create_task(run(Numbers, stopping))
    await reached(5)
    stopping.set()
    await running
    numbers = await threads.call(applied)
    assert numbers == list(range(1, len(numbers) + 1))


def wrapped(first: Callable[..., None]) -> Callable[..., Any]:
    """`streams.append`, with `first` before it."""
    from realtime.streams import append

    def both(*args: Any) -> Any:
        first()
        return append(*args)

    return both
