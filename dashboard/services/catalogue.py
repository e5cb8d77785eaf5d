"""Metrics, sources, and the series that sources write to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet

from dashboard import selection, streams
from dashboard.models import Metric, Series, Source
from dashboard.protocol import MetricChanged, MetricCreated, MetricDeleted
from dashboard.samples import tags
from dashboard.samples.tags import Tags
from dashboard.source_kinds import MetricSpec, kind_named
from realtime.streams.publish import publish_latest
from realtime.streams.unit_of_work import unit_of_work

Entry = TypeVar("Entry", MetricCreated, MetricChanged)
MAX_ERROR_LENGTH = Source._meta.get_field("last_error").max_length or 300


@unit_of_work
def create_metrics(*, workspace_id: int, specs: Iterable[MetricSpec]) -> None:
    """Create the metrics that the workspace does not have; existing ones stay as they are."""
    make_missing(
        workspace_id,
        [
            Metric(
                workspace_id=workspace_id,
                name=spec.name,
                title=spec.title,
                group=spec.group,
                unit=spec.unit,
                decimals=spec.decimals,
                decimals_stated=True,
            )
            for spec in specs
        ],
    )


def make_missing(workspace_id: int, metrics: Iterable[Metric]) -> None:
    """Create those of these metrics that the workspace does not have, and tell its dashboards.

    Call in a unit of work.
    """
    wanted = {metric.name: metric for metric in metrics}
    mine = Metric.objects.filter(workspace_id=workspace_id)
    for name in mine.filter(name__in=wanted).values_list("name", flat=True):
        del wanted[name]
    if not wanted:
        return
    Metric.objects.bulk_create(wanted.values(), ignore_conflicts=True)
    # Read again: a concurrent transaction may have created one of them with other fields.
    _tell(workspace_id, [_entry(MetricCreated, metric) for metric in mine.filter(name__in=wanted)])


def widen_decimals(workspace_id: int, needed: Mapping[str, int]) -> None:
    """Show metrics with as many decimals as their values need, unless somebody stated how many.

    Call in a unit of work.

    Args:
        needed: the decimals that new values need, by metric's name.
    """
    mine = Metric.objects.filter(workspace_id=workspace_id, decimals_stated=False)
    for name, decimals in needed.items():
        # Of two programs at once, whoever needs more has the last word.
        if mine.filter(name=name, decimals__lt=decimals).update(decimals=decimals):
            _tell(workspace_id, [_entry(MetricChanged, mine.get(name=name))])


@unit_of_work
def save_metric(*, metric: Metric) -> None:
    """Save a metric created or changed by hand; tell dashboards if its entry has changed."""
    before = Metric.objects.filter(pk=metric.pk).first()
    metric.save()
    if before is None:
        _tell(metric.workspace_id, [_entry(MetricCreated, metric)])
    elif (changed := _entry(MetricChanged, metric)) != _entry(MetricChanged, before):
        _tell(metric.workspace_id, [changed])


@unit_of_work
def delete_metrics(*, metrics: QuerySet[Metric]) -> None:
    """Delete these metrics with their series; the retention worker then removes the samples."""
    names: dict[int, list[str]] = defaultdict(list)
    for workspace_id, name in metrics.values_list("workspace_id", "name"):
        names[workspace_id].append(name)
    metrics.delete()
    for workspace_id, gone in names.items():
        _tell(workspace_id, [MetricDeleted(metric=name) for name in gone])


def _entry(kind: type[Entry], metric: Metric) -> Entry:
    return kind(
        metric=metric.name,
        group=metric.group,
        unit=metric.unit,
        title=metric.display_title,
        decimals=metric.decimals,
    )


def _tell(
    workspace_id: int, events: Sequence[MetricCreated | MetricChanged | MetricDeleted]
) -> None:
    """Tell the dashboards of the workspace, on commit."""
    if events:
        publish_latest(streams.metrics(workspace_id), selection.catalogue(events))


@unit_of_work
def create_source(*, workspace_id: int, name: str, kind: str, interval_seconds: int = 1) -> Source:
    """Create a source and the metrics of its kind; an existing one of that name is returned.

    Raises:
        KeyError: no such kind is registered.
    """
    provide_metrics(workspace_id=workspace_id, kind=kind)
    source, _ = Source.objects.get_or_create(
        workspace_id=workspace_id,
        name=name,
        defaults={"kind": kind, "interval_seconds": interval_seconds},
    )
    return source


@unit_of_work
def save_source(*, source: Source) -> None:
    """Save a source created or changed by hand; if enabled, create the metrics of its kind."""
    source.save()
    if source.enabled:
        provide_metrics(workspace_id=source.workspace_id, kind=source.kind)


@unit_of_work
def provide_metrics(*, workspace_id: int, kind: str) -> None:
    """Create the missing ones of the metrics that a source of this kind has values for."""
    create_metrics(workspace_id=workspace_id, specs=kind_named(kind).metrics)


@unit_of_work
def ensure_series(
    *, source_id: int, wanted: Collection[tuple[str, Tags]]
) -> dict[tuple[str, Tags], int]:
    """Return the ids of the series for a source's readings; creates missing ones.

    Skips metrics that the workspace does not have: a deleted metric is not collected. A series
    belongs to a source by its tag `source`, so that a source created again under its old name
    continues its series.

    Args:
        wanted: metric names, each with the tags of the series without `source`.
    """
    source = Source.objects.get(pk=source_id)
    by_key = {
        (name, tags.key(given)): (name, own, given)
        for name, own in wanted
        if (given := dict(sorted([*own, (tags.SOURCE, source.name)])))
    }
    mine = Series.objects.filter(
        metric__workspace_id=source.workspace_id,
        metric__name__in={name for name, _ in wanted},
        tags_key__in={tags_key for _, tags_key in by_key},
    )
    _make_missing_series(source, by_key, set(mine.values_list("metric__name", "tags_key")))
    simulated = kind_named(source.kind).simulated
    mine.filter(source=None).update(source=source, simulated=simulated)
    found = mine.values_list("metric__name", "tags_key", "id")
    return {
        by_key[name, tags_key][:2]: series_id
        for name, tags_key, series_id in found
        if (name, tags_key) in by_key
    }


def _make_missing_series(
    source: Source,
    wanted: Mapping[tuple[str, str], tuple[str, Tags, dict[str, str]]],
    existing: Set[tuple[str, str]],
) -> None:
    names = {name for name, _ in wanted.keys() - existing}
    metrics = Metric.objects.filter(workspace_id=source.workspace_id, name__in=names)
    by_name = {metric.name: metric for metric in metrics}
    Series.objects.bulk_create(
        [
            Series(
                metric=by_name[name],
                source=source,
                tags=given,
                tags_key=tags_key,
                simulated=kind_named(source.kind).simulated,
            )
            for (name, tags_key), (_, _, given) in wanted.items()
            if (name, tags_key) not in existing and name in by_name
        ],
        ignore_conflicts=True,
    )


def record_runs(
    *,
    succeeded: Mapping[int, datetime],
    failed: Mapping[int, tuple[datetime, str]],
) -> None:
    """Record the runs of sources, by id: the time of a success, or time and error of a failure."""
    with unit_of_work():
        sources = list(Source.objects.filter(pk__in={*succeeded, *failed}))
        for source in sources:
            if source.pk in failed:
                source.last_run_at, error = failed[source.pk]
                source.last_error = error[:MAX_ERROR_LENGTH]
                source.state = Source.State.FAILING
            else:
                source.last_run_at, source.last_error = succeeded[source.pk], ""
                source.state = Source.State.OK
        Source.objects.bulk_update(sources, ["state", "last_run_at", "last_error"])
