"""Revocations: when sessions or rights end, each process closes the sockets concerned."""

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
    """Ends sockets whose principals match `criteria`; received at `at` (monotonic seconds)."""

    at: float
    ending: Ending
    criteria: dict[str, Any]

    def concerns(self, client_id: str, principal: Principal | None) -> bool:
        """Return True if the socket of that client id and principal must be closed."""
        if "client_id" in self.criteria:
            return bool(self.criteria["client_id"] == client_id)
        return matches(principal, self.criteria)


class Revocations:
    """The recent revocations, and the closing of the sockets concerned in one process."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        # Kept because a socket may be authenticated just before a revocation and registered just
        # after it.
        self._recent: deque[Revocation] = deque(maxlen=1000)
        self._closing: set[asyncio.Task[None]] = set()

    def heard(self, command: str, arguments: dict[str, Any]) -> None:
        """Close the sockets that this command from the channel layer concerns.

        Runs in a task: closing waits for slow peers, and the receiver of the commands must not.
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
        """Return the ending of this principal's sockets that was received since `moment`, or None.

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
