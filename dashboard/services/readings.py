"""Storing the readings of sources in their series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from dashboard.samples.readings import SourceReading
from dashboard.samples.tags import Tags
from dashboard.selectors import CollectionPlan
from dashboard.services import storage
from dashboard.services.catalogue import create_metrics, ensure_series
from dashboard.source_kinds import MetricSpec
from realtime.streams.unit_of_work import unit_of_work

Place = tuple[int, str, Tags]


def store_readings(
    *,
    workspace_id: int,
    rows: Sequence[SourceReading],
    plan: CollectionPlan,
    publish: bool,
    appearing: Collection[MetricSpec] = (),
) -> storage.StoredCount:
    """Store the readings of one workspace's sources, in one transaction.

    Creates series that the plan does not have yet. Skips readings of a metric that the workspace
    does not have (any more).

    Args:
        appearing: metrics to create first, if they are missing.
    """
    with unit_of_work():
        ids = {key: place.series_id for key, place in plan.series.items()}
        if appearing:
            create_metrics(workspace_id=workspace_id, specs=appearing)
        known = plan.metrics | {(workspace_id, spec.name) for spec in appearing}
        ids |= _missing_series([row for row in rows if (workspace_id, row.metric) in known], ids)
        return storage.write(
            workspace_id=workspace_id,
            readings=[
                storage.Reading(ids[row.place], row.at, row.value)
                for row in rows
                if row.place in ids
            ],
            publish=publish,
        )


def _missing_series(rows: Sequence[SourceReading], known: Collection[Place]) -> dict[Place, int]:
    wanted: dict[int, set[tuple[str, Tags]]] = defaultdict(set)
    for row in rows:
        if row.place not in known:
            wanted[row.source_id].add((row.metric, row.tags))
    return {
        (source_id, *name): series_id
        for source_id, names in wanted.items()
        for name, series_id in ensure_series(source_id=source_id, wanted=names).items()
    }
