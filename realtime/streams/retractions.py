"""Retractions: events that take back what earlier events of their stream quoted.

The earlier events are rewritten in the database in the same unit of work (streams.log.rewrite). The
retraction makes every process forget those that it holds, whatever the channel layer lost.
"""

from __future__ import annotations

from realtime.protocol import Event

# Beginnings of the payloads of retractions (`type` is first in each), by stream name prefix.
_beginnings: dict[str, tuple[str, ...]] = {}


def register(prefix: str, *events: type[Event]) -> None:
    """Register these events as retractions in the log streams whose names begin with `prefix`."""
    tags = (event.__struct_config__.tag for event in events)
    _beginnings[prefix] = tuple(f'{{"type":"{tag}"' for tag in tags)


def beginnings_for(name: str) -> tuple[str, ...]:
    """Return the beginnings of the payloads of that stream's retractions."""
    return next((found for prefix, found in _beginnings.items() if name.startswith(prefix)), ())
