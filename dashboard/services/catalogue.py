"""Metrics, sources, and the series that sources write to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from dashboard import tags
from dashboard.collectors import MetricSpec, kind_named
from dashboard.models import Metric, Series, Source
from realtime.unit_of_work import unit_of_work

MAX_ERROR_LENGTH = Source._meta.get_field("last_error").max_length or 300


@unit_of_work
def create_metrics(*, workspace_id: int, specs: Iterable[MetricSpec]) -> None:
    """Make the metrics that the workspace does not have; those it has stay as they are."""
    Metric.objects.bulk_create(
        [
            Metric(
                workspace_id=workspace_id,
                name=spec.name,
                title=spec.title,
                group=spec.group,
                unit=spec.unit,
                decimals=spec.decimals,
            )
            for spec in specs
        ],
        ignore_conflicts=True,
    )


@unit_of_work
def create_source(*, workspace_id: int, name: str, kind: str, interval_seconds: int = 1) -> Source:
    """Make a source and the metrics of its kind, or return the one of that name as it is.

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
    """Keep a source that was made or changed by hand, and make the metrics of its kind."""
    source.save()
    if source.enabled:
        provide_metrics(workspace_id=source.workspace_id, kind=source.kind)


@unit_of_work
def provide_metrics(*, workspace_id: int, kind: str) -> None:
    """Make the metrics that a source of this kind has values for, where they are missing."""
    create_metrics(workspace_id=workspace_id, specs=kind_named(kind).metrics)


@unit_of_work
def ensure_series(*, source_id: int, names: Collection[str]) -> dict[str, int]:
    """The ids of the series that a source's readings go to, by metric name; missing ones are made.

    Names that the workspace has no metric of are left out: a deleted metric is not collected. A
    series is the source's by its tag `source`, so that a source which is made again under its
    old name goes on with its series.
    """
    source = Source.objects.get(pk=source_id)
    own_tags = {"source": source.name}
    mine = Series.objects.filter(
        metric__workspace_id=source.workspace_id,
        metric__name__in=names,
        tags_key=tags.key(own_tags),
    )
    metrics = Metric.objects.filter(workspace_id=source.workspace_id, name__in=names)
    simulated = kind_named(source.kind).simulated
    Series.objects.bulk_create(
        [
            Series(
                metric=metric,
                source=source,
                tags=own_tags,
                tags_key=tags.key(own_tags),
                simulated=simulated,
            )
            for metric in metrics.exclude(series__in=mine)
        ],
        ignore_conflicts=True,
    )
    mine.filter(source=None).update(source=source, simulated=simulated)
    return dict(mine.values_list("metric__name", "id"))


def record_runs(
    *,
    succeeded: Mapping[int, datetime],
    failed: Mapping[int, tuple[datetime, str]],
) -> None:
    """Keep how sources fared, by id: when they gave readings, or when and why they did not."""
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
