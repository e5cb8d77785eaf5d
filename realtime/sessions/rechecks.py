"""Rechecks open sockets against the database, in case a revocation was lost.

A revocation closes sockets at once by a message to every process. If that message is lost, or
none was sent (a session that expired), the recheck closes the socket, by default within a minute.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from itertools import islice

from django.conf import settings

from realtime.auth import Principal, rechecker
from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.fanout.connection import Connection
from realtime.sessions.endings import REVOKED, RIGHTS_CHANGED
from realtime.sessions.local import end

logger = logging.getLogger(__name__)

BATCH = 500
# Rounds per interval, so that a connection is never much overdue.
ROUNDS = 12
DUE_AFTER = 0.75


async def keep(local: Callable[[], Iterable[Connection]]) -> None:
    """Check the connections of this process until cancelled; `local` returns them."""
    while True:
        within = settings.REALTIME_LIMITS["recheck_within"]
        await asyncio.sleep(within / ROUNDS)
        due_before = time.monotonic() - within * DUE_AFTER
        due = [
            connection
            for connection in local()
            if connection.principal is not None and connection.checked_at <= due_before
        ]
        try:
            await check(due)
        except DATABASE_AWAY as error:
            logger.warning("Open sockets cannot be checked: %s", error)


async def check(connections: Iterable[Connection]) -> None:
    """Close the connections whose login has ended (4500) or changed (4010)."""
    by_principal: dict[Principal, list[Connection]] = {}
    for connection in connections:
        if connection.principal is not None:
            by_principal.setdefault(connection.principal, []).append(connection)
    principals = iter(by_principal)
    while batch := list(islice(principals, BATCH)):
        began = time.monotonic()
        current = await threads.call(rechecker(), batch)
        closing = []
        for principal in batch:
            now = current.get(principal)
            for connection in by_principal[principal]:
                connection.checked_at = began
                if now != principal:
                    closing.append(end(connection, REVOKED if now is None else RIGHTS_CHANGED))
        await asyncio.gather(*closing, return_exceptions=True)
