"""Delivery of outcomes to the database and to subscribers, with and without the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, OperationalError

from accounts.models import Workspace
from dashboard import selectors, services, streams
from dashboard.collection import delivery as delivery_module
from dashboard.collection.delivery import Delivery
from dashboard.collection.engine import Outcome
from dashboard.models import Sample, Series, Source
from realtime.database import threads
from realtime.database.fences import fenced
from realtime.workers import leases
from realtime.workers.leases import LeaseLost
from tests.support.metrics import SECOND, make_metric, make_source
from tests.support.people import make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

TICK = 1_795_303_126


class Pipe:
    """A delivery with a source that measures `rpm`, and a list of what it published."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workspace: Workspace = make_workspace()
        make_metric(self.workspace, "rpm")
        self.source: Source = make_source(self.workspace, "engine")
        self.published: list[Any] = []
        self.away = False
        lease = leases.acquire("collectors", "test")
        assert lease is not None
        self.lease = lease
        self.delivery = Delivery()
        self.plan()
        for module in ("dashboard.services.storage", "dashboard.collection.delivery"):
            monkeypatch.setattr(f"{module}.publish_latest", self._publish)
        real = services.store_readings

        def store(**arguments: Any) -> Any:
            if self.away:
                raise OperationalError("the database is away")
            return real(**arguments)

        monkeypatch.setattr(services, "store_readings", store)
        monkeypatch.setattr(delivery_module, "RETRY_AFTER", 0.01)

    def plan(self) -> None:
        self.delivery.adopt(selectors.collection_plan([self.source.kind]))

    def tick(self, number: int, value: float = 1.0, error: str = "", **more: float) -> None:
        readings = {} if error else {"rpm": value, **more}
        self.delivery.take(
            [Outcome(self.source.pk, self.workspace.pk, TICK + number, readings, error)]
        )

    def stored(self) -> list[tuple[int, float]]:
        rows = Sample.objects.order_by("at").values_list("at", "value")
        return [(at // SECOND - TICK, value) for at, value in rows]

    def _publish(self, key: Any, payload: Any) -> None:
        assert key == streams.metrics(self.workspace.pk)
        self.published.append(payload["metrics"]["custom"]["rpm"])


@pytest.fixture
def pipe(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Pipe:
    return Pipe(monkeypatch)


async def until(condition: Callable[[], Any], within: float = 5) -> None:
    async with asyncio.timeout(within):
        while not await threads.call(condition):
            await asyncio.sleep(0.01)


async def test_a_tick_is_stored_and_pushed_and_its_series_made(pipe: Pipe) -> None:
    pipe.tick(0, 11_000)
    await until(lambda: pipe.stored() == [(0, 11_000)])
    await pipe.delivery.flush(within=1)
    assert pipe.published == [11_000]
    series = await threads.call(Series.objects.get)
    assert (series.tags, series.source_id) == ({"source": "engine"}, pipe.source.pk)


async def test_a_metric_that_the_workspace_does_not_have_is_left_out(pipe: Pipe) -> None:
    pipe.tick(0, 1.0, unknown=2.0)
    await until(lambda: pipe.stored() == [(0, 1.0)])
    assert await threads.call(Series.objects.count) == 1


async def test_while_the_database_is_away_values_are_pushed_and_then_stored_with_their_times(
    pipe: Pipe,
) -> None:
    pipe.tick(0)
    await until(pipe.stored)
    await threads.call(pipe.plan)  # as the worker does every two seconds
    pipe.away = True
    for number in range(1, 6):
        pipe.tick(number, number * 10)
        await asyncio.sleep(0.03)
    # The first one discovers the outage: it is pushed only when it is stored later, if at all.
    assert pipe.published[-4:] == [20, 30, 40, 50]
    pipe.away = False
    await until(lambda: len(pipe.stored()) == 6)
    assert await threads.call(pipe.stored) == [(0, 1), (1, 10), (2, 20), (3, 30), (4, 40), (5, 50)]
    await pipe.delivery.flush(within=1)
    assert pipe.published[-1] == 50


async def test_what_the_backlog_cannot_hold_is_said_with_its_count(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipe.delivery, "_backlog", delivery_module.Backlog(keep_seconds=10))
    pipe.away = True
    for number in range(30):
        pipe.tick(number)
    await asyncio.sleep(0.05)
    pipe.away = False
    with caplog.at_level(logging.ERROR):
        await until(lambda: len(pipe.stored()) == 11)
        await pipe.delivery.flush(within=1)
    assert "19 readings were lost" in caplog.text
    assert (await threads.call(pipe.stored))[0][0] == 19


async def test_readings_that_the_database_refuses_do_not_hold_up_the_next(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = services.store_readings

    def refuse_first(**arguments: Any) -> Any:
        if arguments["rows"][0].at == TICK * SECOND:
            raise DataError("out of range")
        return store(**arguments)

    monkeypatch.setattr(services, "store_readings", refuse_first)
    pipe.tick(0)
    await until(lambda: "1 readings were lost" in caplog.text)
    pipe.tick(1)
    await until(lambda: pipe.stored() == [(1, 1.0)])


async def test_the_state_of_a_source_is_shown(pipe: Pipe) -> None:
    pipe.tick(0)
    await until(lambda: shown(pipe)[0] == "ok")
    pipe.tick(1, error="ConnectionRefusedError: " + "x" * 1000)
    await until(lambda: shown(pipe)[0] == "failing")
    assert (await threads.call(shown, pipe))[1].startswith("ConnectionRefusedError")
    pipe.tick(2)
    await until(lambda: shown(pipe) == ("ok", ""))


def shown(pipe: Pipe) -> tuple[str, str]:
    source = Source.objects.get(pk=pipe.source.pk)
    return source.state, source.last_error


async def test_a_worker_that_was_taken_over_writes_nothing_more(pipe: Pipe) -> None:
    def take_over() -> None:
        leases.release(pipe.lease)
        assert leases.acquire("collectors", "another process")

    await threads.call(take_over)
    with fenced(pipe.lease):
        pipe.tick(0)
    await until(lambda: pipe.delivery.failure() is not None)
    assert isinstance(pipe.delivery.failure(), LeaseLost)
    assert await threads.call(pipe.stored) == []


async def test_a_series_deleted_by_hand_is_made_again(pipe: Pipe) -> None:
    pipe.tick(0)
    await until(pipe.stored)
    await threads.call(lambda: Series.objects.all().delete())
    await threads.call(pipe.plan)
    pipe.tick(1)
    await until(lambda: len(pipe.stored()) == 2)
    assert await threads.call(Series.objects.count) == 1
