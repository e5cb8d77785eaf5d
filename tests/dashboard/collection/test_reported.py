"""Numbers that apps report become series of their workspace's metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard import selectors
from dashboard.collection.application import ApplicationCollector
from dashboard.collection.delivery import Delivery
from dashboard.collection.engine import Outcome
from dashboard.models import Metric, Sample, Series, Source
from dashboard.source_kinds import TaggedName
from realtime.database import threads
from realtime.process import gauges
from realtime.process.gauge_rows import Reading
from realtime.process.gauges import Measure, ProcessReading
from tests.support.metrics import make_source
from tests.support.people import make_workspace

START = 1_795_303_126.0
WORKSPACE = 7
VENUE = (
    Measure("open_orders", "Open orders", decimals=0),
    Measure("last_price", "Last price", "€", 2, combine="last"),
    Measure("matching_lag_ms", "Matching lag", "ms", combine="max"),
    Measure("trades_per_second", "Trades", "/s", combine="rate"),
)


@pytest.fixture(autouse=True)
def venue() -> Iterator[None]:
    """Register a venue's gauges."""
    for measure in VENUE:
        gauges.declare(measure)
    yield
    for measure in VENUE:
        gauges.measures.unregister(measure.name)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def of(symbol: str, metric: str = "open_orders") -> TaggedName:
    return TaggedName(metric, (("symbol", symbol),))


class Processes:
    """Processes whose reports the test sets; `collect(second)` reads the reported numbers."""

    def __init__(self, workspace_id: int = WORKSPACE) -> None:
        self.reports: dict[str, ProcessReading] = {}
        self.collector = ApplicationCollector(
            workspace_id, snapshot=lambda: list(self.reports.values()), active_users=lambda _: 3
        )

    def report(self, name: str, second: float, *series: Reading, **values: float) -> None:
        self.reports[name] = ProcessReading(name, moment(-9), moment(second), values, series)

    def collect(self, second: float) -> dict[Any, float]:
        """Return the collected values, except those that every application has."""
        found = self.collector.collect(START + second)
        usual = ("active_users", "error_rate", "transactions_per_second")
        return {name: value for name, value in found.items() if name not in usual}


@pytest.fixture
def processes() -> Processes:
    return Processes()


def reading(name: str, value: float, symbol: str = "", workspace: int | None = 7) -> Reading:
    tags: Mapping[str, str] = {"symbol": symbol} if symbol else {}
    return Reading(name, value, workspace, tags)


def test_what_several_processes_report_is_combined_as_declared(processes: Processes) -> None:
    one = [
        reading("open_orders", 5, "ACME"),
        reading("open_orders", 1, "BOLT"),
        reading("last_price", 101.5, "ACME"),
        reading("matching_lag_ms", 3),
    ]
    two = [
        reading("open_orders", 2, "ACME"),
        reading("last_price", 101.0, "ACME"),
        reading("matching_lag_ms", 9),
    ]
    processes.report("one", 0.9, *one)
    processes.report("two", 0.4, *two)
    assert processes.collect(1) == {
        of("ACME"): 7,
        of("BOLT"): 1,
        of("ACME", "last_price"): 101.5,
        "matching_lag_ms": 9,
    }


def test_a_counter_becomes_a_rate_of_all_processes_by_their_own_times(
    processes: Processes,
) -> None:
    processes.report("one", 0.0, reading("trades_per_second", 1000))
    processes.report("two", 0.2, reading("trades_per_second", 50))
    assert processes.collect(1) == {}
    processes.report("one", 2.0, reading("trades_per_second", 1010))
    assert processes.collect(2) == {"trades_per_second": 5}
    processes.report("two", 1.2, reading("trades_per_second", 57))
    assert processes.collect(3) == {"trades_per_second": 12}
    assert processes.collect(4) == {"trades_per_second": 12}
    del processes.reports["one"]
    assert processes.collect(5) == {"trades_per_second": 7}
    processes.report("three", 6.0, reading("trades_per_second", 4))
    assert processes.collect(6) == {"trades_per_second": 7}


def test_a_workspace_gets_its_own_and_what_belongs_to_none(processes: Processes) -> None:
    other = Processes(workspace_id=8)
    series = [
        reading("open_orders", 1, "ACME", workspace=7),
        reading("open_orders", 2, "ACME", workspace=8),
        reading("open_orders", 4, "ALL", workspace=None),
    ]
    for each in (processes, other):
        each.report("one", 0, *series, matching_lag_ms=6)
    assert processes.collect(1) == {of("ACME"): 1, of("ALL"): 4, "matching_lag_ms": 6}
    assert other.collect(1) == {of("ACME"): 2, of("ALL"): 4, "matching_lag_ms": 6}


def test_what_nobody_declared_stays_within_the_processes(processes: Processes) -> None:
    processes.report("one", 0, reading("undeclared", 5, "ACME"), frames_sent=9)
    assert processes.collect(1) == {}


def test_tags_that_no_series_can_have_are_left_out_and_said_once(
    processes: Processes, caplog: pytest.LogCaptureFixture
) -> None:
    bad: list[Any] = [
        {"symbol": []},
        {"source": "me"},
        {"Symbol": "A"},
        {"symbol": "x" * 65},
        {"symbol": ""},
    ]
    readings = [Reading("open_orders", 1, 7, tags) for tags in bad]
    processes.report("one", 0, *readings, reading("open_orders", 2, "ACME"))
    assert processes.collect(1) == processes.collect(2) == {of("ACME"): 2}
    assert len(caplog.messages) == 1


# --- Storing ----------------------------------------------------------------------------------


class Way:
    """A workspace's application source, and the delivery of its collector's readings."""

    def __init__(self) -> None:
        self.workspace = make_workspace()
        self.source: Source = make_source(self.workspace, "pitwall", kind="application")
        self.delivery = Delivery()
        self.reload()

    def reload(self) -> None:
        self.delivery.adopt(selectors.collection_plan(["application"]))

    async def take(self, tick: int, readings: Mapping[Any, float]) -> None:
        self.delivery.take(
            [Outcome(self.source.pk, self.workspace.pk, int(START) + tick, readings)]
        )
        await self.delivery.flush(within=20)


@pytest.fixture
def way(transactional_db: None) -> Way:
    return Way()


def stored() -> dict[tuple[str, ...], list[float]]:
    rows = Series.objects.order_by("pk")
    return {
        (
            series.metric.name,
            *(f"{name}={value}" for name, value in sorted(series.tags.items())),
        ): list(Sample.objects.filter(series=series).order_by("at").values_list("value", flat=True))
        for series in rows.select_related("metric")
    }


async def test_a_name_that_appears_becomes_a_metric_with_a_series_for_each_set_of_tags(
    way: Way,
) -> None:
    await way.take(1, {of("ACME", "last_price"): 101.5, of("BOLT", "last_price"): 7.0})
    # The plan does not contain the metric yet.
    await way.take(2, {of("ACME", "last_price"): 101.6, "matching_lag_ms": 4.0})
    await threads.call(way.reload)
    await way.take(3, {of("ACME", "last_price"): 101.7, of("CORP", "last_price"): 3.0})
    assert await threads.call(stored) == {
        ("last_price", "source=pitwall", "symbol=ACME"): [101.5, 101.6, 101.7],
        ("last_price", "source=pitwall", "symbol=BOLT"): [7.0],
        ("matching_lag_ms", "source=pitwall"): [4.0],
        ("last_price", "source=pitwall", "symbol=CORP"): [3.0],
    }
    metric = await threads.call(Metric.objects.get, name="last_price")
    assert (metric.workspace_id, metric.title, metric.group, metric.unit, metric.decimals) == (
        way.workspace.pk,
        "Last price",
        "business",
        "€",
        2,
    )


async def test_a_metric_that_was_deleted_stays_deleted(way: Way) -> None:
    await way.take(1, {of("ACME"): 1.0})
    await threads.call(way.reload)
    await threads.call(Metric.objects.filter(name="open_orders").delete)
    await threads.call(way.reload)
    await way.take(2, {of("ACME"): 2.0, of("BOLT", "last_price"): 7.0})
    assert list(await threads.call(stored)) == [("last_price", "source=pitwall", "symbol=BOLT")]
