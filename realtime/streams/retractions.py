"""Events that take back what earlier ones of their stream have quoted.

The earlier ones are rewritten in the database in the same unit of work (streams.rewrite). The event
itself has every process forget those that it holds, whatever the channel layer lost.
"""

from __future__ import annotations

from realtime.protocol import Event

# How the payloads of retractions begin (the type is first in each), by the streams' prefix.
_beginnings: dict[str, tuple[str, ...]] = {}


def register(prefix: str, *events: type[Event]) -> None:
    """Have these events be retractions in the log streams whose names begin with `prefix`."""
    tags = (event.__struct_config__.tag for event in events)
    _beginnings[prefix] = tuple(f'{{"type":"{tag}"' for tag in tags)


def beginnings_for(name: str) -> tuple[str, ...]:
    """How the payloads of the retractions of that stream begin."""
    return next((found for prefix, found in _beginnings.items() if name.startswith(prefix)), ())
