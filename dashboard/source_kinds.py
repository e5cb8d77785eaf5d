"""What readings can be collected from: a kind of source is one module of dashboard/collection/,
registered here by its name.

A collector lives as long as its source stays unchanged and may keep what it needs between runs
(counters to take differences of). `collect` is synchronous, runs in a thread of its own, and
raises when it cannot read: its source is then retried with growing pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from django.utils.functional import Promise

from dashboard.samples.tags import Tags
from realtime.registries import Registry


class TaggedName(NamedTuple):
    """One series of a metric: its tags, beside the tag `source` that all of a source's have."""

    metric: str
    tags: Tags


# By the metric's name, or by name and tags where a source has several series of one metric.
Readings = Mapping[str, float] | Mapping[str | TaggedName, float]


class Collector(Protocol):
    """Reads one source."""

    def collect(self, at: float) -> Readings:
        """The values at `at` (epoch seconds).

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
    `occasional`: metrics that it may have values of, which are made when they first come.
    """

    name: str
    title: str | Promise
    metrics: tuple[MetricSpec, ...]
    make: Callable[[SourceFacts], Collector]
    timeout: float = 5
    simulated: bool = False
    occasional: Callable[[], Iterable[MetricSpec]] = tuple


registry: Registry[Kind] = Registry("kind of source")
register = registry.register


def kind_named(name: str) -> Kind:
    """The kind of source of that name.

    Raises:
        KeyError: no such kind is registered.
    """
    return registry[name]


def kinds() -> list[Kind]:
    """All kinds, in the order of their registration."""
    return list(registry)
