"""Sessions and rights that end: every socket that they concern is closed, on each process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import Any

from realtime.auth import Principal
from realtime.endings import ENDINGS, Ending, concerns
from realtime.roster import Roster, end

logger = logging.getLogger(__name__)


class Revocations:
    """What has ended lately, and the closing of what it concerns in one process."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        # A socket may be authenticated just before one of these and registered just after.
        self._recent: deque[Ending] = deque(maxlen=1000)
        self._closing: set[asyncio.Task[None]] = set()

    def heard(self, command: str, arguments: dict[str, Any]) -> None:
        """Close the sockets that this command of the channel layer is about.

        In a task: closing waits for slow peers, and whoever receives the commands must not.
        """
        if command not in ENDINGS:
            logger.warning("Unknown control command %r", command)
            return
        ending = Ending(time.monotonic(), *ENDINGS[command], arguments)
        self._recent.append(ending)
        closing = asyncio.get_running_loop().create_task(self._close(ending))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def since(self, moment: float, principal: Principal | None) -> Ending | None:
        """The one heard of after `moment` (monotonic seconds) that concerns this principal."""
        for ending in self._recent:
            if ending.at >= moment and concerns(ending, "", principal):
                return ending
        return None

    async def _close(self, ending: Ending) -> None:
        closing = [
            end(connection, ending)
            for connection in list(self._roster.connections)
            if concerns(ending, connection.client_id, connection.principal)
        ]
        await asyncio.gather(*closing, return_exceptions=True)
