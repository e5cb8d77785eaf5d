"""The commands and events of docs/protocol/dashboard.md. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from realtime.protocol import Command, ConfirmedPosition, Event, Recover

METRIC_NAME = "[a-z][a-z0-9_]*"
MAX_NAME_LENGTH = 64
# The name of the latest stream with a workspace's metrics.
STREAM = "metrics"
WILDCARD = "*"
GROUPS = ("system", "business", "custom")

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
Names = Annotated[list[Name], Meta(max_length=500)]
Streams = Annotated[list[Name], Meta(max_length=16)]
MAX_SELECTIONS = 200
# A month, the default retention of rollups.
Minutes = Annotated[float, Meta(ge=0, le=44_640)]
Instant = str | int | float


class SeriesSelector(Struct, kw_only=True, forbid_unknown_fields=True):
    """Selects every series of a metric that has these tags, among others; future ones too."""

    metric: Name
    tags: dict[str, str] = {}


SeriesSelectors = Annotated[list[SeriesSelector], Meta(max_length=MAX_SELECTIONS)]


class Subscribe(Command, tag="subscribe"):
    """Follow metrics, by name or all, or single series; a bare command follows all metrics."""

    metrics: Names | None = None
    streams: Streams | None = None
    series: SeriesSelectors | None = None
    recover: Recover | None = None
    history: Minutes | None = None


class Unsubscribe(Command, tag="unsubscribe"):
    """Stop following some metrics or series; a bare command stops all."""

    metrics: Names | None = None
    streams: Streams | None = None
    series: SeriesSelectors | None = None


class History(Command, tag="history"):
    """Request one metric over a range: `hours` up to now, or `start` to `end`."""

    metric: Name
    hours: float | None = None
    start: Instant | None = None
    end: Instant | None = None
    points: int | None = None
    tags: dict[str, str] | None = None


class SubscriptionConfirmed(Event, tag="subscription_confirmed"):
    metrics: list[str]
    streams: list[str]
    series: list[SeriesSelector]
    positions: dict[str, ConfirmedPosition]


class UnsubscriptionConfirmed(Event, tag="unsubscription_confirmed"):
    metrics: list[str]
    streams: list[str]
    series: list[SeriesSelector]


class Point(Struct, kw_only=True):
    """One value of one metric; in a `history`, the aggregate of a bucket of samples."""

    metric: str
    timestamp: str
    value: float
    min: float | UnsetType = UNSET
    max: float | UnsetType = UNSET
    count: int | UnsetType = UNSET


class HistoricalData(Event, tag="historical_data", kw_only=True):
    """Points, oldest first: of all metrics after a subscribe, of one in reply to `history`.

    `resolution` is in seconds.
    """

    metric: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    resolution: float | UnsetType = UNSET
    simulated: bool | UnsetType = UNSET
    data: list[Point]


class RealtimeMetrics(Event, tag="realtime_metrics"):
    """The newest values of one tick; `timestamp` is when they were taken."""

    timestamp: str
    metrics: Mapping[str, Mapping[str, float]]


class SeriesValue(Struct, kw_only=True):
    """The newest value of one series."""

    metric: str
    tags: Mapping[str, str]
    value: float


class SeriesMetrics(Event, tag="series_metrics"):
    """The newest values of one tick, by series; `timestamp` is when they were taken."""

    timestamp: str
    data: list[SeriesValue]


class MetricEntry(Event):
    """A metric's new entry in the catalogue."""

    metric: str
    group: str
    unit: str
    title: str
    decimals: int


class MetricCreated(MetricEntry, tag="metric_created"):
    """The workspace has a new metric."""


class MetricChanged(MetricEntry, tag="metric_changed"):
    """A metric's entry has changed."""


class MetricDeleted(Event, tag="metric_deleted"):
    """A metric of the workspace was deleted."""

    metric: str
