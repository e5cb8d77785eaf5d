"""Stores and pushes collected readings, and rides out outages of the database.

Ticks continue while a batch is being stored. During an outage they pile up in the backlog (the
newest ten minutes; the number of dropped readings is logged), and their values are pushed without
being stored. After it the backlog is stored under its original times.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.db import DatabaseError

from dashboard import selection, services, streams
from dashboard.collection.backlog import Backlog, Batch
from dashboard.collection.engine import Outcome
from dashboard.samples import instants
from dashboard.samples.readings import SourceReading
from dashboard.selection import Measured
from dashboard.selectors import CollectionPlan
from dashboard.source_kinds import MetricSpec, TaggedName, kind_named
from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.streams.publish import publish_latest

logger = logging.getLogger(__name__)

KEEP_SECONDS = 600
BATCHES_AT_ONCE = 60
RETRY_AFTER = 1.0
# After this time (and one retry) without a successful write, batches are pushed unstored.
PATIENCE = 1.0
RECORD_RUNS_EVERY = 5.0


class Delivery:
    """Takes the outcomes of ticks; everything else happens in its own task."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._ever_planned: set[tuple[int, str]] = set()
        self.adopt(CollectionPlan())
        self._clock = clock
        self._backlog = Backlog(KEEP_SECONDS)
        self._storing: asyncio.Task[None] | None = None
        self._stored_at = clock()
        self._away = False
        self._succeeded: dict[int, int] = {}
        self._failed: dict[int, tuple[int, str]] = {}
        self._known_errors: dict[int, str] = {}
        self._runs_recorded_at = float("-inf")

    def adopt(self, plan: CollectionPlan) -> None:
        """Use this plan from now on."""
        self.plan = plan
        self._ever_planned |= plan.metrics

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """Queue these outcomes to be stored and pushed; returns at once."""
        for outcome in outcomes:
            self._note_run(outcome)
        for batch in _batches(outcomes):
            self._backlog.add(batch)
            if self._away or self._clock() - self._stored_at > PATIENCE + RETRY_AFTER:
                self._push(batch)
        if self._storing is None:
            self._storing = asyncio.get_running_loop().create_task(self._store())

    def failure(self) -> BaseException | None:
        """Return why storing ended for good (the lease is lost), or None."""
        if self._storing is not None and self._storing.done():
            return self._storing.exception()
        return None

    async def flush(self, within: float) -> None:
        """Store the backlog, for at most `within` seconds; logs what is lost then."""
        try:
            async with asyncio.timeout(within):
                if self._storing is not None:
                    await asyncio.shield(self._storing)
        except TimeoutError:
            self._storing.cancel() if self._storing else None
        if self._backlog:
            logger.warning("%d batches of readings could not be stored", len(self._backlog))

    async def _store(self) -> None:
        while self._backlog or self._runs_due():
            try:
                if self._runs_due():
                    await self._record_runs()
                if batches := self._backlog.peek(BATCHES_AT_ONCE):
                    await self._write(batches)
            except DATABASE_AWAY as error:
                if not self._away:
                    logger.warning("Readings wait for the database: %s", error)
                self._away = True
                await asyncio.sleep(RETRY_AFTER)
                continue
            self._back()
        self._storing = None

    async def _write(self, batches: Sequence[Batch]) -> None:
        workspace_id = batches[0].workspace_id
        newest = self._backlog.newest_of(workspace_id)
        rows = [row for batch in batches for row in batch.rows]
        try:
            await threads.call(
                services.store_readings,
                workspace_id=workspace_id,
                rows=rows,
                plan=self.plan,
                appearing=self._appearing(workspace_id, rows),
                # Backfilled values are no news: publish only if the newest batch is included.
                publish=batches[-1] is newest,
            )
        except DATABASE_AWAY:
            raise
        except DatabaseError:
            # Not an outage: the database refuses these rows, and would again. Drop them, so that
            # the next ones do not wait.
            lost = sum(len(batch.rows) for batch in batches)
            logger.exception("%d readings were lost: the database refuses them", lost)
        self._backlog.remove(batches)

    def _appearing(self, workspace_id: int, rows: Sequence[SourceReading]) -> list[MetricSpec]:
        """Return the occasional metrics of sources that have values for the first time.

        Excludes those that any plan has had, or a deleted metric would be back within a second.
        """
        kinds = {source.pk: source.kind for source in self.plan.sources}
        new = {row for row in rows if (workspace_id, row.metric) not in self._ever_planned}
        names = {row.metric for row in new}
        return [
            spec
            for kind in {kinds[row.source_id] for row in new if row.source_id in kinds}
            for spec in kind_named(kind).occasional()
            if spec.name in names
        ]

    def _back(self) -> None:
        self._stored_at = self._clock()
        if self._away:
            logger.info("The database takes readings again")
        self._away = False
        if lost := self._backlog.take_lost():
            logger.error("%d readings were lost: the database was away for too long", lost)

    def _push(self, batch: Batch) -> None:
        """Publish without the database, so that pages stay live during an outage."""
        at = batch.tick * instants.SECOND
        values = [
            Measured(at, to.series_id, to.group, row.metric, to.tags, to.live, row.value)
            for row in batch.rows
            if (to := self.plan.series.get(row.place))
        ]
        if values:
            publish_latest(streams.metrics(batch.workspace_id), selection.measured(values))

    def _note_run(self, outcome: Outcome) -> None:
        if outcome.error:
            self._failed[outcome.source_id] = (outcome.tick, outcome.error)
            self._succeeded.pop(outcome.source_id, None)
        else:
            self._succeeded[outcome.source_id] = outcome.tick
            self._failed.pop(outcome.source_id, None)

    def _runs_due(self) -> bool:
        """Return whether to record runs: changed states at once, others every few seconds."""
        news = any(self._known_errors.get(s) != error for s, (_, error) in self._failed.items())
        recovered = any(self._known_errors.get(s) != "" for s in self._succeeded)
        if news or recovered:
            return True
        waiting = bool(self._succeeded or self._failed)
        return waiting and self._clock() - self._runs_recorded_at >= RECORD_RUNS_EVERY

    async def _record_runs(self) -> None:
        succeeded, failed = dict(self._succeeded), dict(self._failed)
        await threads.call(
            services.record_runs,
            succeeded={source: _moment(tick) for source, tick in succeeded.items()},
            failed={source: (_moment(tick), error) for source, (tick, error) in failed.items()},
        )
        self._runs_recorded_at = self._clock()
        self._known_errors |= dict.fromkeys(succeeded, "")
        self._known_errors |= {source: error for source, (_, error) in failed.items()}
        for recorded, waiting in ((succeeded, self._succeeded), (failed, self._failed)):
            for source, run in recorded.items():
                if waiting.get(source) == run:
                    del waiting[source]


def _batches(outcomes: Sequence[Outcome]) -> list[Batch]:
    """Return one batch per workspace and tick."""
    rows: dict[tuple[int, int], list[SourceReading]] = defaultdict(list)
    for outcome in outcomes:
        at = outcome.tick * instants.SECOND
        rows[outcome.tick, outcome.workspace_id] += [
            _row(outcome.source_id, name, at, value) for name, value in outcome.readings.items()
        ]
    return [
        Batch(workspace_id, tick, tuple(rows[tick, workspace_id]))
        for tick, workspace_id in sorted(rows)
        if rows[tick, workspace_id]
    ]


def _row(source_id: int, name: str | TaggedName, at: int, value: float) -> SourceReading:
    if isinstance(name, TaggedName):
        return SourceReading(source_id, name.metric, at, value, name.tags)
    return SourceReading(source_id, name, at, value)


def _moment(tick: int) -> datetime:
    return datetime.fromtimestamp(tick, UTC)
