"""The connections of this process, and pushes to users rather than to followers of a stream."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from realtime.auth import Principal
from realtime.fanout import broadcast
from realtime.fanout.connection import Connection
from realtime.fanout.frames import Bundle
from realtime.sessions import directory
from realtime.sessions.endings import Ending, going_away, matches

Sweep = Callable[[float], None]


class Roster:
    """The connections of one process, also by user. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self.connections: dict[Connection, Sweep] = {}
        self._of_user: dict[int, set[Connection]] = defaultdict(set)
        self._frames_of_the_gone = 0
        self.draining = False

    def add(self, connection: Connection, sweep: Sweep, principal: Principal | None) -> None:
        """Add a connection, or set its principal.

        Args:
            sweep: called once a second with the time (monotonic seconds).
            principal: None while the connection is anonymous.
        """
        self.connections[connection] = sweep
        if principal is not None:
            connection.principal = principal
            self._of_user[principal.user_id].add(connection)
        directory.changed()

    def remove(self, connection: Connection) -> None:
        if self.connections.pop(connection, None) is not None:
            self._frames_of_the_gone += connection.frames_out
        user_id = connection.principal and connection.principal.user_id
        if user_id in self._of_user:
            self._of_user[user_id].discard(connection)
            if not self._of_user[user_id]:
                del self._of_user[user_id]
        directory.changed()

    def push(self, criteria: dict[str, Any], bundle: Bundle) -> None:
        """Send a bundle that belongs to no stream to all sockets whose principal matches."""
        addressed = [c for c in self._candidates(criteria) if matches(c.principal, criteria)]
        for late in broadcast.write(addressed, bundle):
            late.push_later(bundle)

    async def drain(self, within: float, batch: int = 100) -> None:
        """Close every socket with 1001, in batches; a slow one does not hold up the others."""
        self.draining = True
        connections = list(self.connections)
        pause = within / max(1, len(connections) / batch) / 2
        closing = []
        for start in range(0, len(connections), batch):
            part = connections[start : start + batch]
            closing += [asyncio.create_task(end(one, going_away())) for one in part]
            if start + batch < len(connections):
                await asyncio.sleep(min(pause, 0.2))
        await asyncio.gather(*closing, return_exceptions=True)

    def frames_sent(self) -> int:
        """Return the messages written since the start; summed here, not on the write path."""
        now = sum(connection.frames_out for connection in list(self.connections))
        return self._frames_of_the_gone + now

    def _candidates(self, criteria: dict[str, Any]) -> Collection[Connection]:
        if "user_id" in criteria:
            return self._of_user.get(criteria["user_id"], ())
        return list(self.connections)


async def end(connection: Connection, ending: Ending) -> None:
    """Close a socket with `ending`."""
    await connection.close(ending.code, ending.reason, ending.retry_after)
