"""Registry of the kinds of sources; each is one module of dashboard/collection/.

A collector lives as long as its source stays unchanged, and may keep state between runs (counters
to take differences of). `collect` is synchronous, runs in its own thread, and raises if it cannot
read: its source is then retried with growing pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from django.utils.functional import Promise

from dashboard.samples.tags import Tags
from realtime.registries import Registry


class TaggedName(NamedTuple):
    """The name of a series: its metric, and its tags without `source`, which its source adds."""

    metric: str
    tags: Tags


# By the metric's name, or by name and tags if a source has several series of one metric.
Readings = Mapping[str, float] | Mapping[str | TaggedName, float]


class Collector(Protocol):
    """Reads one source."""

    def collect(self, at: float) -> Readings:
        """Return the values at `at` (epoch seconds).

        Omits a metric that has no value now: gaps are not filled.

        Raises:
            Exception: nothing could be read; its text is shown as the source's last error.
        """


@dataclass(frozen=True)
class MetricSpec:
    """A metric that a kind of source provides, with the fields to create it if missing."""

    name: str
    title: str
    group: str
    unit: str
    decimals: int = 1


@dataclass(frozen=True)
class SourceFacts:
    """The facts about a source that its collector may use."""

    source_id: int
    workspace_id: int
    name: str
    interval_seconds: int


@dataclass(frozen=True)
class Kind:
    """A kind of source.

    `timeout`: seconds after which a run is abandoned. `simulated`: its values are made up and its
    series are marked so; the worker `metrics-simulator` runs it instead of `collectors`.
    `occasional`: metrics that may have values, created when the first value comes.
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
    """Return the kind of source with that name.

    Raises:
        KeyError: no such kind is registered.
    """
    return registry[name]


def kinds() -> list[Kind]:
    """Return all kinds, in the order of their registration."""
    return list(registry)
