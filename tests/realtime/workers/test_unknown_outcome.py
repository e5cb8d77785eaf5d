"""Commits with an unknown outcome: a worker's changes are never applied twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from django.db import OperationalError, connection, connections

from realtime.database import threads
from realtime.workers import inbox_rows, loop
from realtime.workers.worker import Worker
from tests.support.counter import Add, Counter, additions, applied
from tests.support.proxy import CommitCutter, Moment

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[[type[Worker], asyncio.Event], Any]


@pytest.fixture(params=[loop.run, loop.run_supervised], ids=["own process", "web process"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return the function that runs a worker, in its own process or inside the web process."""
    monkeypatch.setattr(loop, "backoff", lambda failures: 0.01)
    monkeypatch.setattr(Counter, "lives", 0)
    monkeypatch.setattr(Counter, "at_once", 1)
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def cutter(transactional_db: None) -> Iterator[CommitCutter]:
    """Put a proxy between the service threads and the database."""
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
    """Make each commit of an event take a moment on the server."""
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


async def ran_through(run: Run, cutter: CommitCutter, moment: Moment) -> None:
    """Ask the worker for 13 additions, and cut the connection at every fourth commit."""
    stopping = asyncio.Event()
    running = asyncio.create_task(run(Counter, stopping))
    totals = []
    for number in range(1, 14):
        if number % 4 == 0:
            cutter.cut_next(moment)
        totals.append((await additions.ask(Add(number), within=15)).total)
    stopping.set()
    await running
    assert cutter.cuts == 3
    assert totals == [sum(range(number + 1)) for number in range(1, 14)]
    assert await threads.call(applied) == list(zip(range(1, 14), totals, strict=True))
    assert Counter.lives == 4


@pytest.mark.services
@pytest.mark.parametrize("moment", get_args(Moment))
async def test_a_connection_cut_at_the_commit_applies_nothing_twice_and_skips_nothing(
    run: Run, cutter: CommitCutter, moment: Moment
) -> None:
    await ran_through(run, cutter, moment)


@pytest.mark.services
async def test_a_commit_that_the_server_is_still_carrying_out_is_waited_for(
    run: Run, slow_commits: None, cutter: CommitCutter
) -> None:
    await ran_through(run, cutter, "while it is carried out")


async def test_a_commit_that_failed_leaves_nothing_in_memory(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = inbox_rows.settle, [3, 5, 5]

    def settle(rows: Any, lease: Any) -> int:
        settled = real(rows, lease)
        if failures and rows[0].id == first + failures[0]:
            del failures[0]
            raise OperationalError("the database is away")
        return settled

    monkeypatch.setattr(inbox_rows, "settle", settle)
    first = (await additions.submit(Add(0))).id
    stopping = asyncio.Event()
    running = asyncio.create_task(run(Counter, stopping))
    totals = [(await additions.ask(Add(number), within=15)).total for number in range(1, 8)]
    stopping.set()
    await running
    assert failures == []
    assert totals == [sum(range(number + 1)) for number in range(1, 8)]
    assert Counter.lives == 4
