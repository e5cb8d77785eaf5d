"""Retention: disk usage stays bounded, and nothing is removed too early."""

from __future__ import annotations

import pytest

from accounts.models import Workspace
from dashboard import retention
from dashboard.models import Metric, Rollup, Sample, Series
from dashboard.samples import instants
from tests.support.metrics import MINUTE, make_metric, make_series, write
from tests.support.people import make_workspace

pytestmark = pytest.mark.django_db

NOW = 29_921_700 * MINUTE + 17


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


def run_pass(now: int = NOW) -> None:
    due = retention.due(now)
    retention.advance(now=now)
    for expired in due:
        while retention.remove_batch(expired=expired) == retention.BATCH:
            pass


def fill(series: Series, minutes: int) -> None:
    write(series, [(NOW - n * MINUTE, float(n)) for n in range(minutes)])


def test_samples_go_after_their_metrics_hours_and_their_rollups_stay(workspace: Workspace) -> None:
    short = make_series(make_metric(workspace, "rpm", raw_hours=1))
    long = make_series(make_metric(workspace, "fuel", raw_hours=48))
    fill(short, 120)
    fill(long, 120)
    run_pass()
    run_pass()
    kept = Sample.objects.filter(series=short).order_by("at")
    assert kept.count() == 61  # the hour, and the minute in which it begins
    assert kept[0].at // MINUTE == (NOW - instants.HOUR) // MINUTE
    assert Sample.objects.filter(series=long).count() == 120
    assert Rollup.objects.filter(series=short).count() == 120


def test_rollups_go_after_their_metrics_days(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace, rollup_days=1))
    Rollup.objects.bulk_create(
        Rollup(
            series=series, minute=NOW // MINUTE - n, count=1, min=0, max=0, sum=0, last=0, last_at=0
        )
        for n in (0, 1439, 1440, 1441, 5000)
    )
    run_pass()
    ages = [NOW // MINUTE - rollup.minute for rollup in Rollup.objects.all()]
    assert sorted(ages) == [0, 1439, 1440]


def test_a_pass_closes_a_minute_to_writers_before_the_next_removes_it(
    workspace: Workspace,
) -> None:
    metric = make_metric(workspace, raw_hours=1)
    series = make_series(metric)
    fill(series, 120)
    run_pass()
    assert Sample.objects.count() == 120  # an open transaction may still write into the minute
    late = NOW - 90 * MINUTE + 5
    assert write(series, [(late, 999.0)]).refused == 1
    run_pass()
    assert Rollup.objects.get(series=series, minute=late // MINUTE).count == 1


def test_shortened_retention_removes_more_and_lengthened_brings_nothing_back(
    workspace: Workspace,
) -> None:
    series = make_series(make_metric(workspace, raw_hours=48))
    fill(series, 180)
    Metric.objects.update(raw_hours=1)
    run_pass()
    run_pass()
    assert Sample.objects.count() == 61
    Metric.objects.update(raw_hours=48)
    run_pass()
    assert write(series, [(NOW - 100 * MINUTE, 5.0)]).refused == 1


def test_what_a_deleted_series_leaves_behind_is_removed_and_no_other(workspace: Workspace) -> None:
    metric = make_metric(workspace)
    series = [make_series(metric, {"wheel": str(n)}) for n in range(4)]
    for each in series:
        fill(each, 3)
    series[1].delete()
    series[3].delete()
    assert Sample.objects.count() == 12  # only the series itself is removed at once
    run_pass()
    left = {series[0].pk, series[2].pk}
    assert set(Sample.objects.values_list("series_id", flat=True)) == left
    assert set(Rollup.objects.values_list("series_id", flat=True)) == left
    assert Sample.objects.count() == 6


def test_rows_go_in_batches(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 50)
    series = make_series(make_metric(workspace, raw_hours=1, raw_from=NOW))
    Sample.objects.bulk_create(Sample(series=series, at=NOW - n, value=1) for n in range(1, 121))
    (expired,) = [each for each in retention.due(NOW) if each.model is Sample]
    removed = [retention.remove_batch(expired=expired) for _ in range(4)]
    assert removed == [50, 50, 20, 0]
