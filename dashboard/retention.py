"""Retention of samples and rollups: removes expired ones, and those of deleted series.

Works in small batches, each in its own transaction, so that writers are not blocked.

A rollup is computed from the samples of its minute, so a minute must not lose some of them while
another is being added. Hence two steps: a pass advances `Metric.raw_from`, before which nothing is
written from then on; only the next pass, when no transaction can be left that has not seen it,
removes the samples before it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection

from dashboard.models import Metric, Rollup, Sample, Series
from dashboard.samples import instants
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers.retention import Expiry, keep_for_a_time

BATCH = 2000
SERIES_AT_ONCE = 200


@dataclass(frozen=True)
class Expired:
    """Rows to remove: of these series, where `column` is below `before` (None: all)."""

    model: type[Sample] | type[Rollup]
    column: str
    series_ids: tuple[int, ...]
    before: int | None


@keep_for_a_time
class SampleExpiry(Expiry):
    """Expires samples and rollups that have outlived their metric's retention."""

    def __init__(self) -> None:
        self._due: list[Expired] = []

    def begin(self) -> None:
        now = int(time.time() * instants.SECOND)
        self._due = due(now)
        advance(now=now)

    def remove_some(self) -> bool:
        if self._due:
            removed = remove_batch(expired=self._due[-1])
            if removed < BATCH:
                self._due.pop()
        return bool(self._due)


def due(now: int) -> list[Expired]:
    """Return everything that may be removed at `now` (microseconds since the epoch)."""
    samples: dict[int, list[int]] = defaultdict(list)
    rollups: dict[int, list[int]] = defaultdict(list)
    rows = Series.objects.values_list("id", "metric__raw_from", "metric__rollup_days")
    for series_id, raw_from, days in rows.order_by("id"):
        samples[raw_from].append(series_id)
        rollups[instants.minute_of(now - days * instants.DAY)].append(series_id)
    return [
        *_expired(Sample, "at", samples),
        *_expired(Rollup, "minute", rollups),
        *(Expired(Sample, "at", ids, None) for ids in _chunks(_orphans(Sample))),
        *(Expired(Rollup, "minute", ids, None) for ids in _chunks(_orphans(Rollup))),
    ]


def advance(*, now: int) -> None:
    """Advance each metric's `raw_from` to its retention: whole minutes, and never backwards."""
    with unit_of_work():
        for hours in Metric.objects.order_by().values_list("raw_hours", flat=True).distinct():
            floor = instants.minute_of(now - hours * instants.HOUR) * instants.MINUTE
            Metric.objects.filter(raw_hours=hours, raw_from__lt=floor).update(raw_from=floor)


def remove_batch(*, expired: Expired) -> int:
    """Remove a batch of these rows and return how many; 0: none are left."""
    table = expired.model._meta.db_table
    # The physical address of a row: the cheapest way to delete just some rows in one statement.
    address = "ctid" if connection.vendor == "postgresql" else "rowid"
    series = ", ".join(["%s"] * len(expired.series_ids))
    condition, numbers = f"series_id IN ({series})", [*expired.series_ids]
    if expired.before is not None:
        condition += f" AND {expired.column} < %s"
        numbers.append(expired.before)
    picked = f"SELECT {address} FROM {table} WHERE {condition} LIMIT {BATCH}"
    matches = f"= ANY(ARRAY({picked}))" if address == "ctid" else f"IN ({picked})"
    with unit_of_work(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {address} {matches}", numbers)
        return int(cursor.rowcount)


def _expired(
    model: type[Sample] | type[Rollup], column: str, by_limit: dict[int, list[int]]
) -> Iterator[Expired]:
    for before, series_ids in by_limit.items():
        for chunk in _chunks(series_ids):
            yield Expired(model, column, chunk, before)


def _orphans(model: type[Sample] | type[Rollup]) -> list[int]:
    """Return ids of deleted series that still have rows; steps from id to id in the index."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE stored (id) AS (
                SELECT MIN(series_id) FROM {table}
                UNION ALL
                SELECT (SELECT MIN(series_id) FROM {table} WHERE series_id > stored.id)
                FROM stored WHERE stored.id IS NOT NULL
            )
            SELECT id FROM stored
            WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM {Series._meta.db_table})
            """
        )
        return [series_id for (series_id,) in cursor.fetchall()]


def _chunks(series_ids: Iterable[int]) -> Iterator[tuple[int, ...]]:
    ids = tuple(series_ids)
    return (ids[start : start + SERIES_AT_ONCE] for start in range(0, len(ids), SERIES_AT_ONCE))
