"""Writing samples and their rollups, one transaction per batch.

The rollup of every minute that a batch touches is recomputed from the samples of that minute, in
the same transaction. So it stays exact after late samples and corrections, and the current minute
has one too. It costs an index scan of at most a minute's samples per series.

On PostgreSQL two concurrent batches for one series would each miss the other's samples in their
rollups, so the series' rows are locked first, in the order of their ids. SQLite has one writer
anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from dashboard import selection, streams
from dashboard.models import Rollup, Sample, Series
from dashboard.samples import instants
from dashboard.selection import Measured
from dashboard.selectors import is_live, newest_at
from realtime.process import gauges
from realtime.streams.publish import publish_latest
from realtime.streams.unit_of_work import unit_of_work

samples_written = gauges.counter("samples_written")

# Larger doubles could overflow when summed over a month; those below its inverse are zero in any
# chart, and PostgreSQL refuses to divide them.
LARGEST = 1e300
ROLLUP_BATCH = 500

_SAMPLE = Sample._meta.db_table
_ROLLUP = Rollup._meta.db_table


class Reading(NamedTuple):
    """A sample to write: `at` in microseconds since the epoch."""

    series_id: int
    at: int
    value: float


class StoredCount(NamedTuple):
    """The numbers of samples of a batch that were stored and refused.

    `refused`: of series that are deleted or of another workspace, older than the retention, or
    beyond LARGEST or not a number.
    """

    stored: int
    refused: int


def write(
    *,
    workspace_id: int,
    readings: Iterable[Reading],
    publish: bool = True,
) -> StoredCount:
    """Store a batch of samples with its rollups, then publish the values that are now newest.

    Args:
        workspace_id: the series' workspace; readings of any other series are refused.
        readings: in any order; of two for the same series and time the later in the batch wins,
            and replaces one that is already stored.
        publish: whether to tell `metrics` subscribers (false when backfilling).
    """
    values = {(r.series_id, r.at): float(r.value) for r in readings}
    with unit_of_work():
        facts = _facts(workspace_id, {series_id for series_id, _ in values})
        rows = sorted(
            (series_id, at, 0.0 if abs(value) < 1 / LARGEST else value)
            for (series_id, at), value in values.items()
            if abs(value) <= LARGEST  # false for NaN too
            and series_id in facts
            and at >= facts[series_id].raw_from
        )
        if rows:
            _insert(rows)
            _roll_up(sorted({(series_id, instants.minute_of(at)) for series_id, at, _ in rows}))
            if publish:
                _publish_newest(workspace_id, facts, rows)
    samples_written.add(len(rows))
    return StoredCount(stored=len(rows), refused=len(values) - len(rows))


class _Facts(NamedTuple):
    """The facts about a series for a batch; `newest`: the time of its newest sample before."""

    name: str
    group: str
    tags: Mapping[str, str]
    raw_from: int
    live: bool
    newest: int | None


def _facts(workspace_id: int, series_ids: set[int]) -> dict[int, _Facts]:
    mine = Series.objects.filter(pk__in=series_ids, metric__workspace_id=workspace_id)
    if connection.features.has_select_for_update:
        # Separate from the query below, which must see what the last holder committed.
        list(mine.select_for_update(no_key=True, of=("self",)).order_by("id").values_list("id"))
    rows = mine.order_by("id").values_list(
        "id", "metric__name", "metric__group", "tags", "metric__raw_from", is_live(), newest_at()
    )
    return {series_id: _Facts(*facts) for series_id, *facts in rows}


def _publish_newest(
    workspace_id: int, facts: Mapping[int, _Facts], rows: Sequence[tuple[int, int, float]]
) -> None:
    # The rows are sorted: the last one of each series is its newest in this batch.
    newest = {series_id: (at, value) for series_id, at, value in rows}
    values = []
    for series_id, (at, value) in newest.items():
        name, group, tags, _, live, before = facts[series_id]
        if before is None or at >= before:
            values.append(Measured(at, series_id, group, name, tags, live, value))
    if values:
        publish_latest(streams.metrics(workspace_id), selection.measured(values))


def _insert(rows: Sequence[tuple[int, int, float]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(
                f"INSERT INTO {_SAMPLE} (series_id, at, value)"
                " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::float8[])"
                " ON CONFLICT (series_id, at) DO UPDATE SET value = excluded.value",
                columns,
            )
        else:
            cursor.executemany(
                f"INSERT INTO {_SAMPLE} (series_id, at, value) VALUES (%s, %s, %s)"
                " ON CONFLICT (series_id, at) DO UPDATE SET value = excluded.value",
                rows,
            )


# CROSS JOIN keeps SQLite from scanning all samples first; PostgreSQL reads it as a plain join.
_ROLL_UP = f"""
    WITH touched (series_id, minute) AS (VALUES {{touched}}),
    rolled AS (
        SELECT touched.series_id AS series_id, touched.minute AS minute, COUNT(*) AS count,
            MIN(s.value) AS min, MAX(s.value) AS max, SUM(s.value) AS sum, MAX(s.at) AS last_at
        FROM touched CROSS JOIN {_SAMPLE} s
        WHERE s.series_id = touched.series_id
            AND s.at >= touched.minute * CAST({instants.MINUTE} AS bigint)
            AND s.at < (touched.minute + 1) * CAST({instants.MINUTE} AS bigint)
        GROUP BY touched.series_id, touched.minute
    )
    INSERT INTO {_ROLLUP} (series_id, minute, count, min, max, sum, last, last_at)
    SELECT r.series_id, r.minute, r.count, r.min, r.max, r.sum, l.value, r.last_at
    FROM rolled r JOIN {_SAMPLE} l ON l.series_id = r.series_id AND l.at = r.last_at
    WHERE true
    ON CONFLICT (series_id, minute) DO UPDATE SET count = excluded.count, min = excluded.min,
        max = excluded.max, sum = excluded.sum, last = excluded.last, last_at = excluded.last_at
"""


def _roll_up(touched: Sequence[tuple[int, int]]) -> None:
    """Recompute the rollups of these (series id, minute) pairs."""
    with connection.cursor() as cursor:
        for batch in _batches(touched, ROLLUP_BATCH):
            places = ", ".join(["(%s, %s)"] * len(batch))
            cursor.execute(
                _ROLL_UP.format(touched=places), [number for pair in batch for number in pair]
            )


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
