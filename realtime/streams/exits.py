"""Exits: events that end subscriptions. A user who is put out of a stream gets no more of it.

The event itself does this, on every process and whatever the channel layer lost: events are
delivered in order and read again from the database, so no subscriber is missed.
"""

from __future__ import annotations

from collections.abc import Callable

EVERYBODY = 0

# Payload of an event → the id of the user it puts out, EVERYBODY, or None.
Reader = Callable[[str], int | None]

_readers: dict[str, Reader] = {}


def register(prefix: str, reader: Reader) -> None:
    """Call `reader` with each event of the log streams whose names begin with `prefix`.

    It is called once per event on each process that follows the stream, so it must be fast.
    """
    _readers[prefix] = reader


def reader_for(name: str) -> Reader | None:
    """Return the reader that knows which events of that stream put users out, if there is one."""
    return next((reader for prefix, reader in _readers.items() if name.startswith(prefix)), None)
