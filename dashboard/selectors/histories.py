"""Reads of measured values: one metric over a range, or the recent past of many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from django.db.models import Count, F, Max, Min, QuerySet, Sum

from accounts.policy import Action, require
from dashboard.models import Metric, Rollup, Sample, Series
from dashboard.samples import instants, tags
from dashboard.samples.buckets import Buckets, choose
from dashboard.selectors.live import Latest, live_series
from realtime.auth import Principal
from realtime.errors import NotFound

SNAPSHOT_POINTS = 120
# A snapshot of very many metrics has fewer points per metric, so that its frame stays small.
SNAPSHOT_TOTAL = 4000


@dataclass(frozen=True, slots=True)
class Bucket:
    """The aggregate of one bucket of samples; `at`: its start, in microseconds."""

    at: int
    value: float
    min: float
    max: float
    count: int


@dataclass(frozen=True)
class History:
    """Buckets of one series, oldest first, without empty ones.

    `resolution`: seconds from one point to the next if none is missing.
    """

    metric: Metric
    simulated: bool
    resolution: float
    buckets: list[Bucket]


def history(
    principal: Principal,
    *,
    name: str,
    start: int,
    end: int,
    points: int,
    wanted_tags: Mapping[str, str] | None = None,
) -> History:
    """Return one metric over [start, end), in at most `points` buckets.

    A short range is read from the samples; if these are no more than `points`, each is its own
    point. Longer ranges are read from the 1-minute rollups, with whole minutes at either end. The
    minimum and maximum are those of the samples at any resolution.

    Args:
        start, end: microseconds since the epoch, start < end.
        wanted_tags: the series with exactly these tags; by default the live one.

    Raises:
        PermissionDenied: the role does not allow viewing dashboards.
        NotFound: the workspace has no such metric, or the metric no such series.
    """
    require(principal, Action.VIEW_DASHBOARDS)
    metric = Metric.objects.filter(workspace_id=principal.workspace_id, name=name).first()
    if metric is None:
        raise NotFound(f"No such metric: {name}.")
    series = _series_of(metric, wanted_tags)
    if series is None:
        grid = choose(start, end, points, raw_from=metric.raw_from)
        return History(metric, False, grid.width / instants.SECOND, [])
    interval = series.source.interval_seconds if series.source else 0
    at_least = interval * instants.SECOND
    grid = choose(start, end, points, raw_from=metric.raw_from, at_least=at_least)
    if not grid.rollups:
        single = _single_samples(series.pk, start, end, points)
        if single is not None:
            resolution = interval or _spacing(single) or grid.width / instants.SECOND
            return History(metric, series.simulated, resolution, single)
    buckets = _buckets([series.pk], start, end, grid)[series.pk]
    return History(metric, series.simulated, grid.width / instants.SECOND, buckets)


def recent(
    principal: Principal, *, names: Iterable[str] | None, start: int, end: int
) -> dict[str, list[Latest]]:
    """Return a snapshot for charts: the live series of these metrics (None: all) in [start, end).

    At most 120 points per metric, by metric name, oldest first; a point's time is that of its
    first sample.

    Raises:
        PermissionDenied: the role does not allow viewing dashboards.
    """
    require(principal, Action.VIEW_DASHBOARDS)
    live = live_series(principal.workspace_id)
    if names is not None:
        live = live.filter(metric__name__in=set(names))
    by_id = {series.pk: series for series in live}
    if not by_id:
        return {}
    points = max(2, min(SNAPSHOT_POINTS, SNAPSHOT_TOTAL // len(by_id)))
    raw_from = max(series.metric.raw_from for series in by_id.values())
    # Chooses one bucket too many, and drops the oldest, which the range cuts into anyway.
    grid = choose(start, end, points + 1, raw_from=raw_from)
    start = max(start, grid.start_of((end - 1 - grid.origin) // grid.width - points + 1))
    found = _buckets(list(by_id), start, end, grid, first_time=True)
    return {
        by_id[series_id].metric.name: [Latest(bucket.at, bucket.value) for bucket in buckets]
        for series_id, buckets in found.items()
    }


def _series_of(metric: Metric, wanted_tags: Mapping[str, str] | None) -> Series | None:
    series = metric.series.select_related("source").order_by("simulated", "pk")
    if wanted_tags is None:
        return series.first()
    found = series.filter(tags_key=tags.key(wanted_tags)).first()
    if found is None:
        raise NotFound(f"{metric.name} has no series with these tags.")
    return found


def _single_samples(series_id: int, start: int, end: int, limit: int) -> list[Bucket] | None:
    """Return each sample of the range as its own point; None if there are more than `limit`."""
    rows = list(
        Sample.objects.filter(series_id=series_id, at__gte=start, at__lt=end)
        .order_by("at")
        .values_list("at", "value")[: limit + 1]
    )
    if len(rows) > limit:
        return None
    return [Bucket(at, value, value, value, 1) for at, value in rows]


def _spacing(buckets: Sequence[Bucket]) -> float:
    """Return these samples' median distance in seconds: pushed samples have no known interval."""
    if len(buckets) < 2:
        return 0
    distances = [after.at - before.at for before, after in pairwise(buckets)]
    return median(distances) / instants.SECOND


def _buckets(
    series_ids: list[int], start: int, end: int, grid: Buckets, *, first_time: bool = False
) -> dict[int, list[Bucket]]:
    """Return the buckets of each series; their time is the grid's, or that of the first sample."""
    query = (_of_rollups if grid.rollups else _of_samples)(series_ids, start, end, grid)
    found: dict[int, list[Bucket]] = defaultdict(list)
    for row in query.order_by("series_id", "bucket"):
        at = row["first"] if first_time else grid.start_of(row["bucket"])
        mean = row["total"] / row["number"]
        # Rounding may put a mean of doubles just outside the range of its values.
        value = min(max(mean, row["lowest"]), row["highest"])
        bucket = Bucket(at, value, row["lowest"], row["highest"], row["number"])
        found[row["series_id"]].append(bucket)
    return found


def _of_samples(series_ids: list[int], start: int, end: int, grid: Buckets) -> QuerySet[Any, Any]:
    return (
        Sample.objects.filter(series_id__in=series_ids, at__gte=start, at__lt=end)
        .annotate(bucket=(F("at") - grid.origin) / grid.width)
        .values("series_id", "bucket")
        .annotate(
            first=Min("at"),
            total=Sum("value"),
            lowest=Min("value"),
            highest=Max("value"),
            number=Count("at"),
        )
    )


def _of_rollups(series_ids: list[int], start: int, end: int, grid: Buckets) -> QuerySet[Any, Any]:
    width, origin = grid.width // instants.MINUTE, grid.origin // instants.MINUTE
    minutes = (instants.minute_of(start), instants.minute_of(end - 1))
    return (
        Rollup.objects.filter(series_id__in=series_ids, minute__range=minutes)
        .annotate(bucket=(F("minute") - origin) / width)
        .values("series_id", "bucket")
        .annotate(
            first=Min("minute") * instants.MINUTE,
            total=Sum("sum"),
            lowest=Min("min"),
            highest=Max("max"),
            number=Sum("count"),
        )
    )
