"""The dashboard socket: following metrics, and their history."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

from dashboard import selection, selectors, streams
from dashboard.protocol import (
    MAX_SELECTIONS,
    WILDCARD,
    HistoricalData,
    History,
    Point,
    Subscribe,
    SubscriptionConfirmed,
    Unsubscribe,
    UnsubscriptionConfirmed,
)
from dashboard.samples import instants, ranges, tags
from dashboard.selection import Selection, Tagged
from realtime.consumers import RealtimeConsumer, on
from realtime.errors import InvalidCommand, TooManySubscriptions

SNAPSHOT_MINUTES = 10.0


class DashboardConsumer(RealtimeConsumer):
    """/ws/dashboard/ (docs/protocol/dashboard.md)."""

    selection: Selection = selection.NOTHING
    snapshot_sent = False

    @on(Subscribe)
    async def subscribe(self, command: Subscribe) -> None:
        _refuse_streams("streams", command.streams)
        # First, as it refuses positions of unknown streams: nothing is followed yet.
        followed = await self.follow_logs([], command.recover)
        names, series = _named(command)
        wanted = self.selection.add(names).add_series(series)
        if len(wanted.series) > MAX_SELECTIONS:
            raise TooManySubscriptions(f"A connection selects at most {MAX_SELECTIONS} series.")
        known = {name for name in names if name != WILDCARD} | {one.metric for one in series}
        await self.call(selectors.require_metrics, self.principal, known)
        await self._follow(wanted)
        await self.reply(
            SubscriptionConfirmed(
                metrics=self.selection.listed(),
                streams=[],
                series=self.selection.listed_series(),
                positions=followed.positions,
            )
        )
        await self._send_snapshot(command.history, names)

    @on(Unsubscribe)
    async def unsubscribe(self, command: Unsubscribe) -> UnsubscriptionConfirmed:
        _refuse_streams("streams", command.streams)
        names, series = _named(command)
        existing: Iterable[str] = ()
        if self.selection.everything:
            existing = await self.call(selectors.metric_names, self.principal)
        left, metrics = self.selection.remove(names, existing)
        left, selections = left.remove_series(left.series if _is_bare(command) else series)
        await self._follow(left)
        return UnsubscriptionConfirmed(
            metrics=metrics, streams=[], series=[one.listed() for one in selections]
        )

    @on(History)
    async def history(self, command: History) -> HistoricalData:
        span = ranges.resolve(
            hours=command.hours,
            start=command.start,
            end=command.end,
            points=command.points,
            now=_now(),
        )
        history = await self.call(
            selectors.history,
            self.principal,
            name=command.metric,
            start=span.start,
            end=span.end,
            points=span.points,
            wanted_tags=None if command.tags is None else _checked(command.tags, "tags"),
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
        wanted = selection.shared(wanted)
        if wanted:
            await self.follow_latest(key, wanted)
        elif self.selection:
            await self.unfollow_latest(key)
        self.selection = wanted

    async def _send_snapshot(self, minutes: float | None, names: list[str]) -> None:
        """Send the recent past after the first subscribe, and whenever the client asks for it."""
        if not names or (minutes is None and self.snapshot_sent):
            return
        self.snapshot_sent = True
        span = round((SNAPSHOT_MINUTES if minutes is None else minutes) * instants.MINUTE)
        if span == 0:
            return
        end = _now() + 1
        found = await self.call(
            selectors.recent,
            self.principal,
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


def _is_bare(command: Subscribe | Unsubscribe) -> bool:
    """Return whether a command names nothing, as a client does that can only mean everything."""
    return command.metrics is None and command.streams is None and command.series is None


def _named(command: Subscribe | Unsubscribe) -> tuple[list[str], list[Tagged]]:
    """Return the metrics and the selections of series that a command names.

    Raises:
        InvalidCommand: a selection has tags that no series can have.
    """
    for index, selector in enumerate(command.series or ()):
        selector.tags = _checked(selector.tags, f"series[{index}].tags")
    series = [selection.tagged(selector) for selector in command.series or ()]
    return [WILDCARD] if _is_bare(command) else command.metrics or [], series


def _refuse_streams(field: str, names: Collection[str] | None) -> None:
    if names:
        raise InvalidCommand.field(
            field, f"There is no stream {', '.join(names)[:100]} on this server."
        )


def _checked(wanted: dict[str, str], field: str) -> dict[str, str]:
    try:
        return tags.check(wanted)
    except ValueError as error:
        raise InvalidCommand(f"{field}: {error}", errors={field: [str(error)]}) from None


def _now() -> int:
    return int(time.time() * instants.SECOND)
