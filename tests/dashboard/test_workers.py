"""The workers in operation: real sources, whole seconds, manual changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from accounts.models import Workspace
from dashboard import services, workers
from dashboard.models import Metric, Sample, Series, Source
from dashboard.prepare import prepare_main_workspace
from realtime.database import threads
from realtime.streams import publish
from realtime.workers import loop
from realtime.workers.retention import Retention
from tests.support.metrics import SECOND, make_metric, make_series, now_us, write
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def running(worker: type[loop.Worker]) -> AsyncIterator[None]:
    publish.bind(asyncio.get_running_loop())
    stopping = asyncio.Event()
    task = asyncio.create_task(loop.run(worker, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def until(condition: Callable[[], Any], within: float = 15) -> Any:
    async with asyncio.timeout(within):
        while not (found := await threads.call(condition)):
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
def main(transactional_db: None) -> Workspace:
    workspace = make_workspace("main")
    prepare_main_workspace()
    return workspace


def measured(*names: str) -> bool:
    return set(names) <= set(Sample.objects.values_list("series__metric__name", flat=True))


async def test_this_machine_is_measured_at_whole_seconds(main: Workspace) -> None:
    async with running(workers.Collectors):
        await until(lambda: measured("cpu_usage", "memory_usage", "active_users"))
    times = await threads.call(lambda: set(Sample.objects.values_list("at", flat=True)))
    assert all(at % SECOND == 0 for at in times)
    assert not await threads.call(Series.objects.filter(simulated=True).exists)
    states = await threads.call(lambda: set(Source.objects.values_list("kind", "state")))
    assert {("host", "ok"), ("application", "ok"), ("simulator", "new")} <= states


async def test_the_simulator_marks_what_it_makes_up(main: Workspace) -> None:
    async with running(workers.MetricsSimulator):
        await until(lambda: measured("temperature", "humidity", "pressure"))
    assert not await threads.call(Series.objects.filter(simulated=False).exists)


async def test_one_tick_reaches_a_subscriber_as_one_frame(connect: Any, main: Workspace) -> None:
    user = await threads.call(make_member, main)
    client = await connect("/ws/dashboard/", user=user)
    await client.command("subscribe", metrics=["*"], history=0)
    async with running(workers.Collectors):
        frames = [await client.event("realtime_metrics", within=10) for _ in range(3)]
    stamps = [frame["timestamp"] for frame in frames]
    assert len(set(stamps)) == 3
    for frame in frames[1:]:
        assert {"cpu_usage", "memory_usage"} <= frame["metrics"]["system"].keys()
        assert "active_users" in frame["metrics"]["business"]


async def test_sources_changed_by_hand_are_noticed_within_seconds(main: Workspace) -> None:
    await threads.call(Source.objects.all().delete)
    async with running(workers.Collectors):
        source = await threads.call(
            lambda: services.create_source(workspace_id=main.pk, name="host", kind="host")
        )
        await until(lambda: measured("memory_usage"))
        await threads.call(Source.objects.filter(pk=source.pk).update, enabled=False)

        def quiet() -> bool:
            newest = Sample.objects.order_by("-at").first()
            return newest is not None and now_us() - newest.at > 4 * SECOND

        await until(quiet)


async def test_two_workspaces_get_the_same_machine_each_its_own(main: Workspace) -> None:
    other = await threads.call(make_workspace, "other")
    await threads.call(
        lambda: services.create_source(workspace_id=other.pk, name="host", kind="host")
    )
    async with running(workers.Collectors):
        await until(
            lambda: (
                Sample.objects.filter(series__metric__name="cpu_usage")
                .values("series__metric__workspace")
                .distinct()
                .count()
                == 2
            )
        )


async def test_retention_removes_in_the_background(main: Workspace) -> None:
    def old() -> Series:
        metric = make_metric(main, "rpm", raw_hours=1)
        series = make_series(metric)
        write(series, [(now_us() - n * 600 * SECOND, 1.0) for n in range(12)])
        Metric.objects.filter(pk=metric.pk).update(raw_from=now_us() - 3600 * SECOND)
        return series

    series = await threads.call(old)
    async with running(Retention):
        await until(lambda: Sample.objects.filter(series=series).count() <= 6)


def test_preparing_twice_changes_nothing_and_keeps_what_was_changed(main: Workspace) -> None:
    names = list(Metric.objects.values_list("group", "name"))
    assert names == [
        *(
            ("business", name)
            for name in (
                "active_users",
                "transactions_per_second",
                "response_time_ms",
                "error_rate",
            )
        ),
        *(("custom", name) for name in ("temperature", "humidity", "pressure")),
        *(
            ("system", name)
            for name in ("cpu_usage", "memory_usage", "disk_io", "network_throughput")
        ),
    ]
    Metric.objects.filter(name="cpu_usage").update(title="Processor")
    Source.objects.filter(kind="host").update(enabled=False, interval_seconds=30)
    prepare_main_workspace()
    assert Metric.objects.count() == 11
    assert Metric.objects.get(name="cpu_usage").title == "Processor"
    assert not Source.objects.get(kind="host").enabled


def test_without_a_demo_nothing_is_simulated(transactional_db: None, settings: Any) -> None:
    settings.PITWALL_DEMO = False
    make_workspace("main")
    prepare_main_workspace()
    assert set(Source.objects.values_list("kind", flat=True)) == {"host", "application"}
    assert Metric.objects.filter(name="humidity").exists()
