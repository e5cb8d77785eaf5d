"""Sessions and rights that end: every socket that they concern is closed, on each process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from realtime.auth import Principal
from realtime.sessions.endings import BY_COMMAND, Ending, matches
from realtime.sessions.local import Roster, end

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Revocation:
    """Sockets whose principals meet `criteria` end so; heard of at `at` (monotonic seconds)."""

    at: float
    ending: Ending
    criteria: dict[str, Any]

    def concerns(self, client_id: str, principal: Principal | None) -> bool:
        """Whether the socket of that client id and principal is to be closed."""
        if "client_id" in self.criteria:
            return bool(self.criteria["client_id"] == client_id)
        return matches(principal, self.criteria)


class Revocations:
    """What has ended lately, and the closing of what it concerns in one process."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        # A socket may be authenticated just before one of these and registered just after.
        self._recent: deque[Revocation] = deque(maxlen=1000)
        self._closing: set[asyncio.Task[None]] = set()

    def heard(self, command: str, arguments: dict[str, Any]) -> None:
        """Close the sockets that this command of the channel layer is about.

        In a task: closing waits for slow peers, and whoever receives the commands must not.
        """
        if command not in BY_COMMAND:
            logger.warning("Unknown control command %r", command)
            return
        revocation = Revocation(time.monotonic(), BY_COMMAND[command], arguments)
        self._recent.append(revocation)
        closing = asyncio.get_running_loop().create_task(self._close(revocation))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def since(self, moment: float, principal: Principal | None) -> Ending | None:
        """The ending of this principal's sockets that was heard of after `moment`, if any.

        Args:
            moment: monotonic seconds.
        """
        for revocation in self._recent:
            if revocation.at >= moment and revocation.concerns("", principal):
                return revocation.ending
        return None

    async def _close(self, revocation: Revocation) -> None:
        closing = [
            end(connection, revocation.ending)
            for connection in list(self._roster.connections)
            if revocation.concerns(connection.client_id, connection.principal)
        ]
        await asyncio.gather(*closing, return_exceptions=True)
