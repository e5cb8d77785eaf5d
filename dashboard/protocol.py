"""The Dashboard section of docs/protocol.md: its commands and events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from realtime.protocol import Command, ConfirmedPosition, Event, Position

METRIC_NAME = "[a-z][a-z0-9_]*"
MAX_NAME_LENGTH = 64
# The name of the newest-value stream that carries a workspace's metrics.
STREAM = "metrics"
WILDCARD = "*"
GROUPS = ("system", "business", "custom")

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
Names = Annotated[list[Name], Meta(max_length=500)]
Streams = Annotated[list[Name], Meta(max_length=16)]
# A month: as far as rollups go back by default.
Minutes = Annotated[float, Meta(ge=0, le=44_640)]
Instant = str | int | float


class Subscribe(Command, tag="subscribe"):
    """Follow metrics, by name or all of them; a bare one follows all."""

    metrics: Names | None = None
    streams: Streams | None = None
    recover: dict[str, Position] | None = None
    history: Minutes | None = None


class Unsubscribe(Command, tag="unsubscribe"):
    """Follow some metrics no longer; a bare one takes off all."""

    metrics: Names | None = None
    streams: Streams | None = None


class History(Command, tag="history"):
    """Ask for one metric over a range: `hours` up to now, or `start` to `end`."""

    metric: Name
    hours: float | None = None
    start: Instant | None = None
    end: Instant | None = None
    points: int | None = None
    tags: dict[str, str] | None = None


class SubscriptionConfirmed(Event, tag="subscription_confirmed"):
    metrics: list[str]
    streams: list[str]
    positions: dict[str, ConfirmedPosition]


class UnsubscriptionConfirmed(Event, tag="unsubscription_confirmed"):
    metrics: list[str]
    streams: list[str]


class Point(Struct, kw_only=True):
    """One value of one metric; of a `history` it has what its bucket of samples came to."""

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
