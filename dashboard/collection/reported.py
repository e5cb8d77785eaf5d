"""Measures that processes report about themselves, combined into readings of one workspace.

A measure is declared once (`process.gauges.declare`); each process that has values for it reports
them, with or without tags.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from dashboard.samples import tags
from dashboard.source_kinds import MetricSpec, TaggedName
from realtime.process import gauges
from realtime.process.gauge_rows import Reading
from realtime.process.gauges import Measure, ProcessReading

logger = logging.getLogger(__name__)

FORGET_AFTER = 600.0
GROUP = "business"


class _Counted(NamedTuple):
    """A counter as a process last reported it, and its rate since the report before."""

    seen_at: float
    value: float
    rate: float | None = None


def specs() -> list[MetricSpec]:
    """Return the declared measures as metrics."""
    return [
        MetricSpec(measure.name, measure.title, GROUP, measure.unit, measure.decimals)
        for measure in gauges.measures
    ]


class ReportedMeasures:
    """Follows the declared measures of one workspace from snapshot to snapshot."""

    def __init__(self, workspace_id: int) -> None:
        self._workspace_id = workspace_id
        self._counted: dict[tuple[str, TaggedName], _Counted] = {}
        self._refused: set[str] = set()

    def read(self, processes: Sequence[ProcessReading], at: float) -> dict[str | TaggedName, float]:
        """Return the combined measures of these processes at `at` (epoch seconds)."""
        found: dict[TaggedName, list[tuple[float, float]]] = defaultdict(list)
        for process in processes:
            seen_at = process.seen_at.timestamp()
            for reading in self._mine(process):
                measure, name = gauges.measures[reading.name], self._named(reading)
                value: float | None = reading.value
                if name is not None and measure.combine == "rate":
                    value = self._rate(process.process_id, name, seen_at, reading.value)
                if name is not None and value is not None:
                    found[name].append((seen_at, value))
        self._counted = {
            place: counted
            for place, counted in self._counted.items()
            if counted.seen_at > at - FORGET_AFTER
        }
        return {
            # Without tags the key is the name alone, as for all other metrics.
            (name if name.tags else name.metric): _combined(gauges.measures[name.metric], values)
            for name, values in found.items()
        }

    def _mine(self, process: ProcessReading) -> Iterator[Reading]:
        plain = (Reading(name, value) for name, value in process.values.items())
        for reading in (*plain, *process.series):
            if reading.name in gauges.measures and reading.workspace in (None, self._workspace_id):
                yield reading

    def _named(self, reading: Reading) -> TaggedName | None:
        """Return the reading's series; None, logged once, if its tags are invalid for a series."""
        try:
            return _tagged_name(reading.name, tuple(reading.tags.items()))
        except (ValueError, TypeError) as error:
            if reading.name not in self._refused:
                self._refused.add(reading.name)
                logger.warning("Readings of %s are left out: %s", reading.name, error)
            return None

    def _rate(self, process: str, name: TaggedName, seen_at: float, value: float) -> float | None:
        """Return the growth per second between two reports of one process, by their times."""
        before = self._counted.get((process, name))
        if before is not None and seen_at <= before.seen_at:
            return before.rate  # the same report, read again
        rate = None
        if before is not None:
            rate = max(0.0, value - before.value) / (seen_at - before.seen_at)
        self._counted[process, name] = _Counted(seen_at, value, rate)
        return rate


# The same thousand or so names recur every second.
@lru_cache(maxsize=10_000)
def _tagged_name(name: str, given: tags.Tags) -> TaggedName:
    """Return the checked name; raises ValueError if the tags are invalid for a series."""
    if any(tag == tags.SOURCE for tag, _ in given):
        raise ValueError(f"The tag {tags.SOURCE} is given by the source.")
    checked = tags.check({**dict(given), tags.SOURCE: "-"})
    return TaggedName(name, tags.beside_source(checked))


def _combined(measure: Measure, values: list[tuple[float, float]]) -> float:
    if measure.combine == "max":
        return max(value for _, value in values)
    if measure.combine == "last":
        return max(values)[1]
    return sum(value for _, value in values)
