"""Reads for the collection workers: the sources, and the series of their readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from dashboard.models import Metric, Series, Source
from dashboard.samples.tags import Tags, beside_source
from dashboard.selectors.live import is_live


@dataclass(frozen=True)
class SeriesPlace:
    """The series of a source's readings of one metric; `live`: it gives the metric's live value."""

    series_id: int
    group: str
    tags: Mapping[str, str]
    live: bool


@dataclass(frozen=True)
class CollectionPlan:
    """The sources that a worker collects, and the series of their readings.

    `series` is by source id, metric name and sorted tags without `source`; `metrics` has the
    (workspace id, name) of each metric in the sources' workspaces.
    """

    sources: Sequence[Source] = ()
    series: Mapping[tuple[int, str, Tags], SeriesPlace] = field(default_factory=dict)
    metrics: Set[tuple[int, str]] = frozenset()


def collection_plan(kinds: Iterable[str]) -> CollectionPlan:
    """Return the enabled sources of these kinds in all workspaces, with their series."""
    sources = list(Source.objects.filter(enabled=True, kind__in=set(kinds)).order_by("id"))
    rows = Series.objects.filter(source__in=sources).values_list(
        "source_id", "metric__name", "tags", "id", "metric__group", is_live()
    )
    workspaces = {source.workspace_id for source in sources}
    metrics = Metric.objects.filter(workspace_id__in=workspaces)
    return CollectionPlan(
        sources=sources,
        series={
            (source, name, beside_source(tags)): SeriesPlace(series_id, group, tags, live)
            for source, name, tags, series_id, group, live in rows
        },
        metrics=set(metrics.values_list("workspace_id", "name")),
    )
