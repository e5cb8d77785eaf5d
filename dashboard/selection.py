"""Which of a workspace's metrics a connection follows, and the frame it gets of them. Pure.

Connections with equal selections share one encoded frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.protocol import GROUPS, WILDCARD, RealtimeMetrics


@dataclass(frozen=True)
class Selection:
    """Names of metrics, or all of them, those to come included."""

    names: frozenset[str] = frozenset()
    everything: bool = False

    def __bool__(self) -> bool:
        return self.everything or bool(self.names)

    def add(self, names: Iterable[str]) -> Selection:
        """This selection and `names`; the wildcard among them stands for everything."""
        names = frozenset(names)
        if self.everything or WILDCARD in names:
            return EVERYTHING
        return Selection(self.names | names)

    def remove(self, names: Iterable[str], existing: Iterable[str]) -> tuple[Selection, list[str]]:
        """This selection without `names`, and what that took off, as the protocol tells it.

        Args:
            names: the wildcard among them stands for everything.
            existing: the names of all metrics there are: what is left of everything when one is
                taken off. Metrics that come later are then not followed.
        """
        names = frozenset(names)
        if WILDCARD in names:
            return NOTHING, self.listed()
        taken = names & (frozenset(existing) if self.everything else self.names)
        if not taken:
            return self, []
        left = (frozenset(existing) if self.everything else self.names) - taken
        return Selection(left), sorted(taken)

    def frames(self, payload: Mapping[str, Any]) -> list[bytes]:
        """The `realtime_metrics` frame of what is published; none if it has none of these."""
        metrics = payload["metrics"]
        if not self.everything:
            metrics = {
                group: {name: value for name, value in values.items() if name in self.names}
                for group, values in metrics.items()
            }
        if not any(metrics.values()):
            return []
        return [RealtimeMetrics(timestamp=payload["timestamp"], metrics=metrics).encode()]

    def listed(self) -> list[str]:
        """As the protocol tells it: `["*"]` for everything."""
        return [WILDCARD] if self.everything else sorted(self.names)


NOTHING = Selection()
EVERYTHING = Selection(everything=True)


def payload(timestamp: str, values: Iterable[tuple[str, str, float]]) -> dict[str, Any]:
    """What is published: `values` are (group, metric's name, value)."""
    metrics: dict[str, dict[str, float]] = {group: {} for group in GROUPS}
    for group, name, value in values:
        metrics[group][name] = value
    return {"timestamp": timestamp, "metrics": metrics}


def merge(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """Both payloads in one: the newest value of each metric, and the newer time."""
    metrics = {
        group: {**older["metrics"][group], **newer["metrics"][group]} for group in newer["metrics"]
    }
    return {"timestamp": max(older["timestamp"], newer["timestamp"]), "metrics": metrics}
