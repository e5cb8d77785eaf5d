"""State of a metric's live card, and how each new value changes it. Pure.

A card's frames hold its whole state, sparkline included, while the stream brings single values. So
followed cards are kept in memory, one per metric, and shared by all their followers.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from notifications.protocol import CardUpdate

KIND = "metric"
SPARKLINE = 60

# (time, value); times are in the protocol's format, which sorts as text.
Point = tuple[str, float]


@dataclass(frozen=True)
class Facts:
    """The contents of a card besides its values; `workspace` is the slug."""

    name: str
    title: str
    group: str
    unit: str
    decimals: int
    simulated: bool
    workspace: str


def state(facts: Facts, points: tuple[Point, ...]) -> dict[str, Any]:
    """Return the state of a card whose newest values are `points`, oldest first."""
    timestamp, value = points[-1] if points else (None, None)
    moment = f"&at={timestamp}" if timestamp else ""
    return {
        "name": facts.name,
        "title": facts.title,
        "group": facts.group,
        "unit": facts.unit,
        "decimals": facts.decimals,
        "simulated": facts.simulated,
        "value": value,
        "timestamp": timestamp,
        "sparkline": [value for _, value in points],
        "link": f"/dashboards/?metric={facts.name}{moment}&workspace={facts.workspace}",
    }


class LiveCard:
    """A metric's card as this process knows it. Thread-safe."""

    def __init__(self, facts: Facts, points: Iterable[Point]) -> None:
        self._lock = threading.Lock()
        self._facts = facts
        self._points = _newest(points)

    def refresh(self, facts: Facts, points: Iterable[Point]) -> None:
        """Take over data read from the database; values received since then stay."""
        with self._lock:
            self._facts = facts
            self._points = _newest((*points, *self._points))

    def take(self, timestamp: str, value: float) -> None:
        """Add a value from the stream; ignores one that is known already, or late."""
        with self._lock:
            if not self._points or timestamp > self._points[-1][0]:
                self._points = (*self._points, (timestamp, value))[-SPARKLINE:]

    def describe(self, *, title: str, group: str, unit: str, decimals: int) -> None:
        """The metric's entry in the catalogue is another now."""
        with self._lock:
            self._facts = replace(
                self._facts, title=title, group=group, unit=unit, decimals=decimals
            )

    def state(self) -> dict[str, Any]:
        return state(self._facts, self._points)


@dataclass(frozen=True)
class CardSelection:
    """The metrics of a workspace whose cards a connection follows."""

    names: frozenset[str]
    cards: Mapping[str, LiveCard] = field(compare=False)

    def frames(self, payload: Mapping[str, Any]) -> list[bytes]:
        """Return the `card_update` frames for a payload of the stream `metrics`."""
        described = self._describe(payload.get("catalogue", {}))
        frames = []
        for values in payload["metrics"].values():
            for name in sorted(self.names & values.keys()):
                self.cards[name].take(payload["timestamp"], values[name])
                described.discard(name)
                frames.append(self._frame(name))
        return [*map(self._frame, sorted(described)), *frames]

    def _describe(self, catalogue: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """Take over what the catalogue tells of these metrics; returns their names."""
        described = {
            name for name in self.names & catalogue.keys() if "decimals" in catalogue[name]
        }
        for name in described:
            entry = catalogue[name]
            shown = {fact: entry[fact] for fact in ("title", "group", "unit", "decimals")}
            self.cards[name].describe(**shown)
        return described

    def _frame(self, name: str) -> bytes:
        return CardUpdate(kind=KIND, reference=name, state=self.cards[name].state()).encode()


def _newest(points: Iterable[Point]) -> tuple[Point, ...]:
    return tuple(sorted(dict(points).items())[-SPARKLINE:])
