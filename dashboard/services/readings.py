"""Readings that sources gave, on their way to their series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from dashboard import storage
from dashboard.collection.backlog import Row
from dashboard.selectors import CollectionPlan
from dashboard.services.catalogue import ensure_series
from realtime.unit_of_work import unit_of_work


def store_readings(
    *,
    workspace_id: int,
    rows: Sequence[Row],
    plan: CollectionPlan,
    publish: bool,
) -> storage.Written:
    """Store what the sources of one workspace gave, in one transaction.

    Series that the plan does not know yet are made; readings of a metric that the workspace does
    not have (any more) are left out.
    """
    with unit_of_work():
        ids = {key: place.series_id for key, place in plan.series.items()}
        ids |= _missing_series(workspace_id, rows, plan)
        return storage.write(
            workspace_id=workspace_id,
            readings=[
                storage.Reading(ids[row.source_id, row.metric], row.at, row.value)
                for row in rows
                if (row.source_id, row.metric) in ids
            ],
            publish=publish,
        )


def _missing_series(
    workspace_id: int, rows: Sequence[Row], plan: CollectionPlan
) -> dict[tuple[int, str], int]:
    wanted: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        known = (row.source_id, row.metric) in plan.series
        if not known and (workspace_id, row.metric) in plan.metrics:
            wanted[row.source_id].add(row.metric)
    return {
        (source_id, name): series_id
        for source_id, names in wanted.items()
        for name, series_id in ensure_series(source_id=source_id, names=names).items()
    }
