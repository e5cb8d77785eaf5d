"""Storage preserves the measured values: samples, rollups, histories."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Workspace
from dashboard import selectors, streams
from dashboard.models import Metric, Rollup, Sample, Series
from dashboard.samples import instants
from dashboard.services import storage
from tests.support.metrics import (
    MINUTE,
    SECOND,
    make_metric,
    make_series,
    this_minute,
    viewer_of,
    write,
)
from tests.support.people import make_workspace

pytestmark = pytest.mark.django_db

START = 29_921_700 * MINUTE
values = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
# A few minutes, at times that often collide.
times = st.integers(0, 4 * 60 * 4).map(lambda quarter: START + quarter * SECOND // 4)
batches = st.lists(st.lists(st.tuples(times, values), max_size=30), min_size=1, max_size=6)
Samples = dict[int, float]


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


def naive_buckets(samples: Samples, width: int) -> dict[int, dict[str, float]]:
    grouped: dict[int, list[float]] = defaultdict(list)
    for at in sorted(samples):
        grouped[at // width * width].append(samples[at])
    return {
        at: {
            "value": math.fsum(inside) / len(inside),
            "min": min(inside),
            "max": max(inside),
            "count": len(inside),
        }
        for at, inside in grouped.items()
    }


def told(series: Series, start: int, end: int, points: int) -> selectors.History:
    return selectors.history(
        viewer_of(series.metric.workspace),
        name=series.metric.name,
        start=start,
        end=end,
        points=points,
        wanted_tags=series.tags,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batches=batches)
def test_rollups_and_history_equal_a_naive_computation_from_the_samples(
    workspace: Workspace, batches: list[list[tuple[int, float]]]
) -> None:
    Metric.objects.all().delete()
    series = make_series(make_metric(workspace))
    samples: Samples = {}
    for batch in batches:  # late, in any order, some of them corrections
        write(series, batch)
        samples |= dict(batch)

    stored = Sample.objects.filter(series=series).values_list("at", "value")
    assert dict(stored) == samples
    rollups = {rollup.minute * MINUTE: rollup for rollup in Rollup.objects.filter(series=series)}
    expected = naive_buckets(samples, MINUTE)
    assert rollups.keys() == expected.keys()
    for at, rollup in rollups.items():
        last_at = max(moment for moment in samples if moment // MINUTE * MINUTE == at)
        assert (rollup.count, rollup.min, rollup.max) == (
            expected[at]["count"],
            expected[at]["min"],
            expected[at]["max"],
        )
        assert (rollup.last_at, rollup.last) == (last_at, samples[last_at])
        assert math.isclose(
            rollup.sum, expected[at]["value"] * rollup.count, rel_tol=1e-9, abs_tol=1e-6
        )
    for points, width in ((60, 5 * SECOND), (10, 30 * SECOND), (6, MINUTE), (3, 2 * MINUTE)):
        history = told(series, START, START + 5 * MINUTE, points)
        if len(samples) <= points and width < MINUTE:
            assert [(b.at, b.value) for b in history.buckets] == sorted(samples.items())
            continue
        assert history.resolution == width / SECOND
        expected = naive_buckets(samples, width)
        assert [bucket.at for bucket in history.buckets] == sorted(expected)
        for bucket in history.buckets:
            naive = expected[bucket.at]
            assert (bucket.min, bucket.max, bucket.count) == (
                naive["min"],
                naive["max"],
                naive["count"],
            )
            assert math.isclose(bucket.value, naive["value"], rel_tol=1e-9, abs_tol=1e-6)


@pytest.mark.parametrize("hours", [1, 24, 24 * 30])
def test_a_spike_of_one_second_survives_in_max_at_any_zoom(
    workspace: Workspace, hours: int
) -> None:
    series = make_series(make_metric(workspace))
    minute = this_minute()
    flat = [(minute + second * SECOND, 10.0) for second in range(300)]
    write(series, [*flat, (minute + 77 * SECOND, 987.6)])
    end = minute + 10 * MINUTE
    buckets = told(series, end - hours * instants.HOUR, end, 20).buckets
    assert max(bucket.max for bucket in buckets) == 987.6
    assert all(bucket.value < 500 for bucket in buckets)


def test_gaps_stay_gaps(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace))
    write(series, [(START, 1.0), (START + 10 * MINUTE, 2.0)])
    buckets = told(series, START, START + 20 * MINUTE, 20).buckets
    assert [bucket.at for bucket in buckets] == [START, START + 10 * MINUTE]


def test_a_short_range_has_every_sample_as_it_is(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace))
    samples = [(START + n * SECOND + 7, n / 3) for n in range(60)]
    write(series, samples)
    history = told(series, START, START + MINUTE, 60)
    assert [(bucket.at, bucket.value) for bucket in history.buckets] == samples
    assert history.resolution == 1


def test_the_minute_that_is_going_on_is_in_the_rollups(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace))
    minute = START
    for second in range(3):
        write(series, [(minute + second * SECOND, float(second))])
        (bucket,) = told(series, minute - 30 * instants.DAY, minute + MINUTE, 100).buckets
        assert (bucket.count, bucket.max) == (second + 1, second)


def test_a_corrected_sample_replaces_the_first(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace))
    write(series, [(START, 500.0)])
    write(series, [(START, 5.0), (START, 6.0)])
    assert list(Sample.objects.values_list("value", flat=True)) == [6.0]
    assert Rollup.objects.get().max == 6.0


def test_other_peoples_series_and_those_that_are_gone_are_refused(workspace: Workspace) -> None:
    other = make_series(make_metric(make_workspace()))
    readings = [storage.Reading(other.pk, START, 1.0), storage.Reading(10**9, START, 1.0)]
    written = storage.write(workspace_id=workspace.pk, readings=readings)
    assert written == storage.StoredCount(stored=0, refused=2)
    assert not Sample.objects.exists()


def test_nothing_is_written_where_samples_are_already_removed(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace, raw_from=START))
    assert write(series, [(START - 1, 1.0), (START, 2.0)]).refused == 1
    assert Rollup.objects.get().count == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e301])
def test_what_no_chart_can_show_is_refused_and_the_rest_stored(
    workspace: Workspace, value: float
) -> None:
    series = make_series(make_metric(workspace))
    written = write(series, [(START, value), (START + 1, 1.0)])
    assert written == storage.StoredCount(stored=1, refused=1)


def test_whole_numbers_and_fractions_come_in_one_batch(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace))
    write(series, [(START, 3), (START + 1, 0.5)])
    assert list(Sample.objects.order_by("at").values_list("value", flat=True)) == [3.0, 0.5]


def test_the_smallest_doubles_are_stored_as_zero(workspace: Workspace) -> None:
    series = make_series(make_metric(workspace))
    write(series, [(START, 5e-324), (START + 1, -1e-310), (START + 2, 0.0)])
    (bucket,) = told(series, START, START + instants.DAY, 1).buckets
    assert (bucket.value, bucket.count) == (0.0, 3)


class Published(list[Any]):
    """Records what storage publishes: (key, payload) pairs."""

    def __call__(self, key: Any, payload: Any) -> None:
        self.append((key, payload))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    published = Published()
    monkeypatch.setattr(storage, "publish_latest", published)
    return published


def test_a_batch_is_published_as_one_frame_with_the_newest_value_of_each_metric(
    workspace: Workspace, published: Published
) -> None:
    cpu = make_series(make_metric(workspace, "cpu_usage", group="system"))
    rpm = make_series(make_metric(workspace, "rpm"))
    storage.write(
        workspace_id=workspace.pk,
        readings=[
            storage.Reading(rpm.pk, START + SECOND, 2.0),
            storage.Reading(rpm.pk, START, 1.0),
            storage.Reading(cpu.pk, START, 50.0),
        ],
    )
    ((key, payload),) = published
    assert key == streams.metrics(workspace.pk)
    assert payload == {
        "timestamp": instants.rfc3339(START + SECOND),
        "metrics": {"system": {"cpu_usage": 50.0}, "business": {}, "custom": {"rpm": 2.0}},
        "series": {
            "timestamp": instants.rfc3339(START + SECOND),
            "values": {str(cpu.pk): ("cpu_usage", {}, 50.0), str(rpm.pk): ("rpm", {}, 2.0)},
        },
    }


def test_a_late_sample_is_no_news(workspace: Workspace, published: Published) -> None:
    series = make_series(make_metric(workspace))
    write(series, [(START, 1.0)])
    write(series, [(START - SECOND, 9.0)])
    assert len(published) == 1


def test_only_the_first_series_of_a_metric_is_its_live_value(
    workspace: Workspace, published: Published
) -> None:
    metric = make_metric(workspace)
    first, second = make_series(metric), make_series(metric, {"bank": "left"})
    write(second, [(START, 2.0)])
    write(first, [(START, 1.0)])
    payloads = [payload for _, payload in published]
    assert [each["metrics"]["custom"] for each in payloads] == [{}, {metric.name: 1.0}]
    assert [list(each["series"]["values"].values()) for each in payloads] == [
        [(metric.name, {"bank": "left"}, 2.0)],
        [(metric.name, {}, 1.0)],
    ]


def test_a_real_sensor_takes_over_from_the_simulation(
    workspace: Workspace, published: Published
) -> None:
    metric = make_metric(workspace, "temperature")
    simulated = make_series(metric, {"source": "simulator"}, simulated=True)
    write(simulated, [(START, 21.0)])
    real = make_series(metric)
    write(simulated, [(START + SECOND, 21.1)])
    write(real, [(START + SECOND, 35.5)])
    told = [payload["metrics"]["custom"].get("temperature") for _, payload in published]
    assert told == [21.0, None, 35.5]
    (state,) = selectors.metric_states(viewer_of(workspace))
    assert (state.simulated, state.latest) == (False, selectors.Latest(START + SECOND, 35.5))


def test_the_list_of_metrics_and_the_frames_since_equal_a_new_list(
    workspace: Workspace, published: Published
) -> None:
    series = [make_series(make_metric(workspace, name)) for name in ("rpm", "gear", "fuel")]

    def snapshot() -> dict[str, float | None]:
        states = selectors.metric_states(viewer_of(workspace))
        return {s.metric.name: s.latest.value if s.latest else None for s in states}

    known = snapshot()
    for second, (one, other) in enumerate([(0, 1), (1, 2), (0, 0), (2, 0)]):
        at = START + second * SECOND
        storage.write(
            workspace_id=workspace.pk,
            readings=[
                storage.Reading(series[one].pk, at, second + 0.25),
                storage.Reading(series[other].pk, at - 3 * SECOND, second + 0.5),
            ],
        )
    for _, payload in published:
        known |= payload["metrics"]["custom"]
    assert known == snapshot()


def test_the_recent_past_has_at_most_120_points_a_metric_oldest_first(
    workspace: Workspace,
) -> None:
    series = make_series(make_metric(workspace, "rpm"))
    make_series(make_metric(workspace, "gear"))
    samples = [(START + n * SECOND, float(n)) for n in range(600)]
    write(series, samples)
    found = selectors.recent(viewer_of(workspace), names=None, start=START, end=START + 10 * MINUTE)
    assert list(found) == ["rpm"]
    points = found["rpm"]
    assert len(points) == 120
    assert points == sorted(points)
    assert points[0] == selectors.Latest(START, 2.0)
