"""Audiences: the subscribers of one feed that get the same bytes at the same time.

Connections with nothing in their way are kept in rows, one row per format, with their file
descriptors side by side: the kernel takes a whole row at once (fanout.io_submit), and no work is
done per connection. A connection that cannot be written to directly, bypassing its transport (a
reply is being made, older messages wait, the transport still holds bytes), leaves its row at that
very moment, and is checked before each write until it can go back.
"""

from __future__ import annotations

from array import array
from collections.abc import MutableSequence
from typing import Any

from realtime.fanout import broadcast
from realtime.fanout.connection import Connection
from realtime.fanout.frames import Bundle, Format
from realtime.fanout.outlets import RawOutlet


class Row:
    """Connections of one format that can be written to without going through their transports."""

    def __init__(self, audience: Audience, wanted: Format) -> None:
        self.frames = 0
        self._audience = audience
        self._format = wanted
        # The same index in all three belongs to the same connection.
        self._connections: list[Connection] = []
        self._outlets: list[RawOutlet] = []
        self._descriptors = array("I")
        self._index: dict[Connection, int] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._index

    def append(self, connection: Connection, outlet: RawOutlet) -> None:
        """Add a connection, until it steps aside."""
        self._index[connection] = len(self._connections)
        self._connections.append(connection)
        self._outlets.append(outlet)
        self._descriptors.append(outlet.descriptor)
        connection.enter(self)
        outlet.on_busy = connection.step_aside

    def remove(self, connection: Connection) -> None:
        """Remove a connection; the last one takes its place."""
        connection.leave(self)
        index = self._index.pop(connection)
        _take_out(self._connections, index)
        _take_out(self._outlets, index)
        _take_out(self._descriptors, index)
        if index < len(self._connections):
            self._index[self._connections[index]] = index

    def step_aside(self, connection: Connection) -> None:
        """Move a connection out of the row: from now on it is checked before each write."""
        self.remove(connection)
        self._audience.aside[connection] = None

    def write(self, bundle: Bundle) -> None:
        """Write to the whole row; a connection that does not take everything steps aside."""
        self.frames += len(bundle)
        broadcast.submit(self._outlets, self._descriptors, bundle.wire(self._format))


class Audience:
    """Connections that get the same messages. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self.aside: dict[Connection, None] = {}
        self._rows: dict[Format, Row] = {}

    def __len__(self) -> int:
        return len(self.aside) + sum(map(len, self._rows.values()))

    def add(self, connection: Connection) -> None:
        """Start writing to a connection that is not in the audience yet."""
        self.aside[connection] = None

    def remove(self, connection: Connection) -> None:
        """Stop writing to a connection."""
        self.aside.pop(connection, None)
        for row in self._rows.values():
            if connection in row:
                row.remove(connection)

    def write(self, bundle: Bundle) -> list[Connection]:
        """Write `bundle` to all connections that can take it now.

        Returns the connections that cannot take it and have received nothing.
        """
        found = broadcast.sort(self.aside)
        for wanted, pairs in found.together.items():
            row = self._rows.setdefault(wanted, Row(self, wanted))
            if broadcast.worth_a_submission(len(row) + len(pairs)):
                for connection, outlet in pairs:
                    del self.aside[connection]
                    row.append(connection, outlet)
            else:
                found.single.extend(connection for connection, _ in pairs)
        for connection in found.single:
            connection.write(bundle)
        for row in self._rows.values():
            if row:
                row.write(bundle)
        return found.late


def _take_out(places: MutableSequence[Any], index: int) -> None:
    places[index] = places[-1]
    places.pop()
