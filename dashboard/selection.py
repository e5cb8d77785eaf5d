"""Selections of a workspace's values by connections, and the frames these get. Pure.

A payload of the stream `metrics` has up to three parts: one value per metric (`metrics` and its
`timestamp`), one per series (`series`), and the changes of the catalogue (`catalogue`).
Connections with equal selections share each encoded frame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import msgspec

from dashboard.protocol import (
    GROUPS,
    WILDCARD,
    MetricChanged,
    MetricCreated,
    MetricDeleted,
    RealtimeMetrics,
    SeriesMetrics,
    SeriesSelector,
    SeriesValue,
)
from dashboard.samples import instants

Payload = dict[str, Any]


class Tagged(NamedTuple):
    """A selection of series: those of `metric` that have these tags; `tags` are sorted by name."""

    metric: str
    tags: tuple[tuple[str, str], ...] = ()

    def takes(self, tags: Mapping[str, str]) -> bool:
        """Return whether this selects a series of the metric that has these tags."""
        return all(tags.get(name) == value for name, value in self.tags)

    def listed(self) -> SeriesSelector:
        """Return the selection as the protocol has it."""
        return SeriesSelector(metric=self.metric, tags=dict(self.tags))


class Measured(NamedTuple):
    """The newest value of one series; `live`: it is also its metric's value.

    `at`: when it was taken, in microseconds since the epoch.
    """

    at: int
    series_id: int
    group: str
    metric: str
    tags: Mapping[str, str]
    live: bool
    value: float


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Selection:
    """Names of metrics, or all metrics including future ones; and selections of series."""

    names: frozenset[str] = frozenset()
    everything: bool = False
    series: frozenset[Tagged] = frozenset()

    def __bool__(self) -> bool:
        return self.everything or bool(self.names) or bool(self.series)

    def add(self, names: Iterable[str]) -> Selection:
        """Return this selection plus `names`; the wildcard among them stands for everything."""
        names = frozenset(names)
        if self.everything or WILDCARD in names:
            return Selection(everything=True, series=self.series)
        return replace(self, names=self.names | names)

    def remove(self, names: Iterable[str], existing: Iterable[str]) -> tuple[Selection, list[str]]:
        """Return this selection without `names`, and the removed names as the protocol has them.

        Args:
            names: the wildcard among them stands for everything.
            existing: the names of all existing metrics, used when one is removed from everything:
                the rest stay selected, and later metrics are not followed.
        """
        names = frozenset(names)
        if WILDCARD in names:
            return Selection(series=self.series), self.listed()
        taken = names & (frozenset(existing) if self.everything else self.names)
        if not taken:
            return self, []
        left = (frozenset(existing) if self.everything else self.names) - taken
        return Selection(left, series=self.series), sorted(taken)

    def add_series(self, wanted: Iterable[Tagged]) -> Selection:
        """Return this selection plus these selections of series."""
        return replace(self, series=self.series.union(wanted))

    def remove_series(self, unwanted: Iterable[Tagged]) -> tuple[Selection, list[Tagged]]:
        """Return this selection without these selections of series, and the removed ones."""
        taken = self.series.intersection(unwanted)
        return replace(self, series=self.series - taken), sorted(taken)

    def listed(self) -> list[str]:
        """Return the metrics as the protocol has them: `["*"]` for everything."""
        return [WILDCARD] if self.everything else sorted(self.names)

    def listed_series(self) -> list[SeriesSelector]:
        """Return the selections of series as the protocol has them."""
        return [tagged.listed() for tagged in sorted(self.series)]

    def frames(self, payload: Mapping[str, Any]) -> list[bytes]:
        """Return the frames of a payload for a connection with this selection; may be empty."""
        frames = [msgspec.json.encode(event) for event in payload.get("catalogue", {}).values()]
        if metrics := self._metrics(payload["metrics"]):
            frames.append(RealtimeMetrics(timestamp=payload["timestamp"], metrics=metrics).encode())
        if self.series and "series" in payload:
            timestamp, values = payload["series"]["timestamp"], payload["series"]["values"]
            if data := self._series(values.values()):
                frames.append(SeriesMetrics(timestamp=timestamp, data=data).encode())
        return frames

    def _metrics(
        self, metrics: Mapping[str, Mapping[str, float]]
    ) -> Mapping[str, Mapping[str, float]] | None:
        if not self.everything:
            metrics = {
                group: {name: value for name, value in values.items() if name in self.names}
                for group, values in metrics.items()
            }
        return metrics if any(metrics.values()) else None

    def _series(self, values: Iterable[tuple[str, Mapping[str, str], float]]) -> list[SeriesValue]:
        selected = _by_metric(self.series)
        return [
            SeriesValue(metric=metric, tags=tags, value=value)
            for metric, tags, value in values
            if any(wanted.takes(tags) for wanted in selected.get(metric, ()))
        ]


NOTHING = Selection()
EVERYTHING = Selection(everything=True)
_shared: WeakValueDictionary[Selection, Selection] = WeakValueDictionary()


def shared(selection: Selection) -> Selection:
    """Return the one object that stands for all selections equal to this one.

    Thousands of connections that follow the same metrics then keep one set of names.
    """
    return _shared.setdefault(selection, selection)


def tagged(selector: SeriesSelector) -> Tagged:
    """Read a client's selection of series; the order of its tags does not matter."""
    return Tagged(selector.metric, tuple(sorted(selector.tags.items())))


def payload(timestamp: str, values: Iterable[tuple[str, str, float]]) -> Payload:
    """Return a payload of metrics alone: `values` are (group, metric name, value)."""
    metrics: dict[str, dict[str, float]] = {group: {} for group in GROUPS}
    for group, name, value in values:
        metrics[group][name] = value
    return {"timestamp": timestamp, "metrics": metrics}


def measured(values: Sequence[Measured]) -> Payload:
    """Return a payload of measured values; each part has the time of its newest value."""
    live = [value for value in values if value.live]
    published = payload(_newest(live), ((v.group, v.metric, v.value) for v in live))
    published["series"] = {
        "timestamp": _newest(values),
        "values": {str(v.series_id): (v.metric, v.tags, v.value) for v in values},
    }
    return published


def catalogue(events: Iterable[MetricCreated | MetricChanged | MetricDeleted]) -> Payload:
    """Return a payload of catalogue events; of two events about a metric the later one counts."""
    found = {event.metric: msgspec.to_builtins(event) for event in events}
    return payload("", ()) | {"catalogue": found}


def merge(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Payload:
    """Merge two payloads: the newest value of each metric and series, and the newer times."""
    merged = {
        "timestamp": max(older["timestamp"], newer["timestamp"]),
        "metrics": {
            group: {**older["metrics"][group], **newer["metrics"][group]}
            for group in newer["metrics"]
        },
    }
    for part, merge_part in (("series", _merge_series), ("catalogue", _merge_catalogue)):
        if part in older and part in newer:
            merged[part] = merge_part(older[part], newer[part])
        elif part in older or part in newer:
            merged[part] = newer.get(part, older.get(part))
    return merged


@lru_cache(maxsize=1024)
def _by_metric(series: frozenset[Tagged]) -> Mapping[str, list[Tagged]]:
    found: dict[str, list[Tagged]] = defaultdict(list)
    for tagged in series:
        found[tagged.metric].append(tagged)
    return dict(found)


def _newest(values: Iterable[Measured]) -> str:
    newest = max((value.at for value in values), default=None)
    return "" if newest is None else instants.rfc3339(newest)


def _merge_series(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "timestamp": max(older["timestamp"], newer["timestamp"]),
        "values": {**older["values"], **newer["values"]},
    }


def _merge_catalogue(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep each metric's newest event, but a metric that is created and then changed is created."""
    merged = {**older}
    created, changed = (kind.__struct_config__.tag for kind in (MetricCreated, MetricChanged))
    for name, event in newer.items():
        before = merged.get(name)
        if before is not None and (before["type"], event["type"]) == (created, changed):
            event = {**event, "type": created}
        merged[name] = event
    return merged
