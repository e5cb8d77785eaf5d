"""What readings can be collected from: one module a kind of source, registered here by its name.

A collector lives as long as its source stays unchanged and may keep what it needs between runs
(counters to take differences of). `collect` is synchronous, runs in a thread of its own, and
raises when it cannot read: its source is then retried with growing pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from django.utils.functional import Promise

Readings = Mapping[str, float]


class Collector(Protocol):
    """Reads one source."""

    def collect(self, at: float) -> Readings:
        """The values by metric name at `at` (epoch seconds).

        A metric that has no value now is left out: a gap is a gap.

        Raises:
            Exception: nothing could be read; its text is shown as the source's last error.
        """


@dataclass(frozen=True)
class MetricSpec:
    """A metric that a kind of source provides, as it is made where it does not exist."""

    name: str
    title: str
    group: str
    unit: str
    decimals: int = 1


@dataclass(frozen=True)
class SourceFacts:
    """What a collector may know of its source."""

    source_id: int
    workspace_id: int
    name: str
    interval_seconds: int


@dataclass(frozen=True)
class Kind:
    """A kind of source.

    `timeout`: seconds after which a run is given up. `simulated`: its values are made up, which
    its series say, and the worker `metrics-simulator` runs it rather than `collectors`.
    """

    name: str
    title: str | Promise
    metrics: tuple[MetricSpec, ...]
    make: Callable[[SourceFacts], Collector]
    timeout: float = 5
    simulated: bool = False


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Offer a kind of source by its name."""
    _kinds[kind.name] = kind
    return kind


def kind_named(name: str) -> Kind:
    """Raises:
    KeyError: no such kind is registered.
    """
    return _kinds[name]


def kinds() -> list[Kind]:
    """All kinds, in the order of their registration."""
    return list(_kinds.values())
