"""The open connections of all processes, each with its statistics.

Every process writes its own list when something has changed. Lists of processes that no longer
report (realtime.process.reporter) do not count: those of a crashed process disappear within
seconds, and no counter drifts. The connected users are in a separate short list, which is correct
within a second, however long the list of connections is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.fanout.connection import Connection
from realtime.models import Process, ProcessConnections
from realtime.process.reporter import PROCESS_ID
from realtime.streams import publish

logger = logging.getLogger(__name__)

# In seconds: concurrent changes are written together; longer lists are written less often.
PAUSE = 0.1
PAUSE_PER_CONNECTION = 0.0005
REFRESH = 5.0
RETRY = 1.0
CHUNK = 200


class ConnectionRecord(msgspec.Struct, frozen=True):
    """One open connection; times are RFC 3339 UTC, `round_trip` is in seconds.

    `user_id` and `workspace_id` are null while the client is not authenticated.
    """

    client_id: str
    user_id: int | None
    username: str | None
    workspace_id: int | None
    workspace: str | None
    endpoint: str
    address: str
    user_agent: str
    connected_at: str
    silent_for: float
    frames_in: int
    frames_out: int
    skipped: int
    round_trip: float | None
    subscriptions: list[str]
    process_id: str = PROCESS_ID


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[ConnectionRecord])
_USERS = msgspec.json.Decoder(list[tuple[int, int]])


# --- Reading: synchronous, over all processes ---------------------------------------------------


def connections(
    *, user_id: int | None = None, workspace_id: int | None = None
) -> list[ConnectionRecord]:
    """Return all connections of live processes, oldest first; statistics are seconds old."""
    found = [
        record
        for encoded in _of_live_processes().values_list("connections", flat=True)
        for record in _DECODER.decode(encoded)
        if user_id in (None, record.user_id) and workspace_id in (None, record.workspace_id)
    ]
    return sorted(found, key=lambda record: record.connected_at)


def is_connected(user_id: int, workspace_id: int | None = None) -> bool:
    """Return True if a user has an open connection to any process."""
    here = any(
        connection.principal is not None
        and connection.principal.user_id == user_id
        and workspace_id in (None, connection.principal.workspace_id)
        # A copy, because this runs in a service thread, concurrently with the event loop.
        for connection in list(_local())
    )
    # This process's own list is older than its roster.
    lists = _of_live_processes().exclude(process_id=PROCESS_ID)
    return here or any(
        connected == user_id and workspace_id in (None, workspace)
        for encoded in lists.values_list("users", flat=True)
        for connected, workspace in _USERS.decode(encoded)
    )


def _of_live_processes() -> QuerySet[ProcessConnections]:
    return ProcessConnections.objects.filter(process__in=Process.alive().order_by())


def totals() -> dict[str, Any]:
    """Count connections: all, anonymous, by endpoint and by process; and the connected users."""
    found = connections()
    return {
        "connections": len(found),
        "anonymous": sum(record.user_id is None for record in found),
        "users": len({record.user_id for record in found} - {None}),
        "by_endpoint": dict(Counter(record.endpoint for record in found)),
        "by_process": dict(Counter(record.process_id for record in found)),
    }


def disconnect(client_id: str) -> None:
    """Close one connection of any process, on commit."""
    publish.publish_control("disconnect", {"client_id": client_id})


# --- Writing: this process ----------------------------------------------------------------------


def _nobody() -> Iterable[Connection]:
    return ()


_local: Callable[[], Iterable[Connection]] = _nobody
_changed = asyncio.Event()
_users_changed = asyncio.Event()


def changed() -> None:
    """Note that a connection of this process has opened, closed or authenticated."""
    _changed.set()
    _users_changed.set()


async def report(local: Callable[[], Iterable[Connection]]) -> None:
    """Keep this process's lists up to date until cancelled; `local` returns its connections."""
    global _local, _changed, _users_changed
    _local, _changed, _users_changed = local, asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as both:
        both.create_task(_report_connections(local))
        both.create_task(_report_users(local))


async def _report_connections(local: Callable[[], Iterable[Connection]]) -> None:
    listed = False
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFRESH):
                await _changed.wait()
        _changed.clear()
        records = await _records(local)
        if records or listed:
            if await _write(connections=_ENCODER.encode(records).decode()):
                listed = bool(records)
            else:
                _changed.set()
        await asyncio.sleep(PAUSE + len(records) * PAUSE_PER_CONNECTION)


async def _report_users(local: Callable[[], Iterable[Connection]]) -> None:
    written: set[tuple[int, int]] = set()
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFRESH):
                await _users_changed.wait()
        refresh = not _users_changed.is_set()
        _users_changed.clear()
        users = {
            (connection.principal.user_id, connection.principal.workspace_id)
            for connection in local()
            if connection.principal is not None
        }
        if users != written or (refresh and users):
            if await _write(users=_ENCODER.encode(sorted(users)).decode()):
                written = users
            else:
                _users_changed.set()
        await asyncio.sleep(PAUSE)


async def _records(local: Callable[[], Iterable[Connection]]) -> list[ConnectionRecord]:
    records = []
    for number, connection in enumerate(list(local()), 1):
        records.append(_record(connection))
        if number % CHUNK == 0:
            await asyncio.sleep(0)  # thousands of connections must not hold up the loop
    return records


def _record(connection: Connection) -> ConnectionRecord:
    who = connection.principal
    return ConnectionRecord(
        client_id=connection.client_id,
        user_id=who.user_id if who else None,
        username=who.username if who else None,
        workspace_id=who.workspace_id if who else None,
        workspace=who.workspace if who else None,
        silent_for=round(time.monotonic() - connection.heard_at, 1),
        **connection.statistics(),
    )


async def _write(**lists: str) -> bool:
    """Write lists; return False while the database is down or has no row of this process yet.

    Pauses before it returns False: only briefly if the row is missing, as it will soon be there.
    """
    try:
        if await threads.call(_store, lists):
            return True
        await asyncio.sleep(PAUSE)
    except DATABASE_AWAY as error:
        logger.warning("This process cannot list its connections: %s", error)
        await asyncio.sleep(RETRY)
    return False


@transaction.atomic  # queues at SQLite's gate; see realtime.process.reporter
def _store(lists: dict[str, str]) -> bool:
    mine = ProcessConnections.objects.filter(process_id=PROCESS_ID)
    if mine.update(**lists, updated_at=Now()):
        return True
    if not Process.objects.filter(process_id=PROCESS_ID).exists():
        return False
    # The task that writes the other list may create the row at the same time.
    row = ProcessConnections(process_id=PROCESS_ID, updated_at=timezone.now())
    ProcessConnections.objects.bulk_create([row], ignore_conflicts=True)
    return bool(mine.update(**lists, updated_at=Now()))
