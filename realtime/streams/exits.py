"""Events that end subscriptions: whoever is put out of a stream hears nothing of it any more.

The event itself does it, on every process and whatever the channel layer lost: events are
delivered in order and read again from the database, so nobody is passed by.
"""

from __future__ import annotations

from collections.abc import Callable

EVERYBODY = 0

# Payload of an event → the id of the user it puts out, EVERYBODY, or None.
Reader = Callable[[str], int | None]

_readers: dict[str, Reader] = {}


def register(prefix: str, reader: Reader) -> None:
    """Have `reader` asked about each event of the log streams whose names begin with `prefix`.

    It is asked once for each event on each process that follows the stream, so it must be fast.
    """
    _readers[prefix] = reader


def reader_for(name: str) -> Reader | None:
    """Who knows which events of that stream put somebody out."""
    return next((reader for prefix, reader in _readers.items() if name.startswith(prefix)), None)
