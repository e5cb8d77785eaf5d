"""The socket of the dashboard: which metrics it follows, and their history."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from accounts.policy import Action, require
from dashboard import instants, ranges, selection, selectors, streams, tags
from dashboard.protocol import (
    WILDCARD,
    HistoricalData,
    History,
    Point,
    Subscribe,
    SubscriptionConfirmed,
    Unsubscribe,
    UnsubscriptionConfirmed,
)
from dashboard.selection import Selection
from realtime.consumers import RealtimeConsumer, on
from realtime.errors import InvalidCommand

SNAPSHOT_MINUTES = 10.0


class DashboardConsumer(RealtimeConsumer):
    """/ws/dashboard/ (docs/protocol.md, Dashboard)."""

    selection: Selection = selection.NOTHING
    snapshot_sent = False

    @on(Subscribe)
    async def subscribe(self, command: Subscribe) -> None:
        require(self.principal, Action.VIEW_DASHBOARDS)
        _refuse_streams("streams", command.streams)
        _refuse_streams("recover", command.recover)
        names = command.metrics
        if names is None:
            # A bare subscribe is that of a client which knows no other way to ask for all.
            names = [] if command.streams is not None else [WILDCARD]
        workspace_id = self.principal.workspace_id
        known = [name for name in names if name != WILDCARD]
        if known:
            await self.call(selectors.require_metrics, workspace_id=workspace_id, names=known)
        await self._follow(self.selection.add(names))
        await self.reply(
            SubscriptionConfirmed(metrics=self.selection.listed(), streams=[], positions={})
        )
        await self._send_snapshot(command.history, names)

    @on(Unsubscribe)
    async def unsubscribe(self, command: Unsubscribe) -> UnsubscriptionConfirmed:
        _refuse_streams("streams", command.streams)
        names = command.metrics
        if names is None:
            names = [] if command.streams is not None else [WILDCARD]
        existing: Iterable[str] = ()
        if self.selection.everything:
            existing = await self.call(selectors.metric_names, self.principal.workspace_id)
        left, taken_off = self.selection.remove(names, existing)
        await self._follow(left)
        return UnsubscriptionConfirmed(metrics=taken_off, streams=[])

    @on(History)
    async def history(self, command: History) -> HistoricalData:
        require(self.principal, Action.VIEW_DASHBOARDS)
        span = ranges.resolve(
            hours=command.hours,
            start=command.start,
            end=command.end,
            points=command.points,
            now=_now(),
        )
        history = await self.call(
            selectors.history,
            workspace_id=self.principal.workspace_id,
            name=command.metric,
            start=span.start,
            end=span.end,
            points=span.points,
            wanted_tags=_checked(command.tags),
        )
        return HistoricalData(
            metric=command.metric,
            unit=history.metric.unit,
            resolution=history.resolution,
            simulated=history.simulated,
            data=[
                Point(
                    metric=command.metric,
                    timestamp=instants.rfc3339(bucket.at),
                    value=bucket.value,
                    min=bucket.min,
                    max=bucket.max,
                    count=bucket.count,
                )
                for bucket in history.buckets
            ],
        )

    async def _follow(self, wanted: Selection) -> None:
        key = streams.metrics(self.principal.workspace_id)
        if wanted:
            await self.follow_latest(key, wanted)
        elif self.selection:
            await self.unfollow_latest(key)
        self.selection = wanted

    async def _send_snapshot(self, minutes: float | None, names: list[str]) -> None:
        """The recent past, once after the first subscribe, and whenever it is asked for."""
        if not names or (minutes is None and self.snapshot_sent):
            return
        self.snapshot_sent = True
        span = round((SNAPSHOT_MINUTES if minutes is None else minutes) * instants.MINUTE)
        if span == 0:
            return
        end = _now() + 1
        found = await self.call(
            selectors.recent,
            workspace_id=self.principal.workspace_id,
            names=None if WILDCARD in names else names,
            start=max(0, end - span),
            end=end,
        )
        points = [(point.at, name, point.value) for name in found for point in found[name]]
        await self.send_event(
            HistoricalData(
                data=[
                    Point(metric=name, timestamp=instants.rfc3339(at), value=value)
                    for at, name, value in sorted(points)
                ]
            )
        )


def _refuse_streams(field: str, names: Collection[str] | None) -> None:
    if names:
        reason = f"There is no stream {', '.join(names)[:100]} on this server."
        raise InvalidCommand(reason, errors={field: [reason]})


def _checked(wanted: dict[str, str] | None) -> dict[str, str] | None:
    if wanted is None:
        return None
    try:
        return tags.check(wanted)
    except ValueError as error:
        raise InvalidCommand(f"tags: {error}", errors={"tags": [str(error)]}) from None


def _now() -> int:
    return int(time.time() * instants.SECOND)
