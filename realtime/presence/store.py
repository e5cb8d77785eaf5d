"""Presence over all processes, kept correct whatever happens to any of them.

A user is present in a scope (a room, a page) while any of their connections on any process is in
it, and ten seconds longer. The decisions are in presence.rules; this module has the rows and the
loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models.functions import Now

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.models import Presence, Process
from realtime.presence import rules
from realtime.process.reporter import PROCESS_ID
from realtime.streams.unit_of_work import unit_of_work

logger = logging.getLogger(__name__)

SWEEP_INTERVAL = 1.0
# One in this many sweeps checks all rows, for processes that came and died between two sweeps.
FULL_SWEEP_EVERY = 5


class Seat(NamedTuple):
    """One user's place in one scope of a workspace; `scope` is a stream's name, for example."""

    workspace_id: int
    scope: str
    user_id: int


@dataclass(frozen=True)
class Change:
    """A user has entered a scope, or has left it for good."""

    seat: Seat
    present: bool


Listener = Callable[[Change], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Listener:
    """Call `listener` for every change, on one process, inside the transaction of the change.

    Anything it publishes goes out on commit. Usable as a decorator.
    """
    _listeners.append(listener)
    return listener


def present(workspace_id: int, scope: str) -> list[int]:
    """Return the ids of the users who are present in a scope now (synchronous)."""
    return present_in(workspace_id, [scope])[scope]


def present_in(workspace_id: int, scopes: Collection[str]) -> dict[str, list[int]]:
    """Return the same for several scopes at once, by scope."""
    alive, now = _processes()
    rows = Presence.objects.filter(workspace_id=workspace_id, scope__in=scopes)
    found: dict[str, list[int]] = {scope: [] for scope in scopes}
    for scope, user_id, held in rows.order_by("user_id").values_list("scope", "user_id", "holders"):
        if rules.settled(held, alive, now):
            found[scope].append(user_id)
    return found


def scopes_of(workspace_id: int, user_id: int) -> list[str]:
    """Return the scopes of a workspace in which a user is present now (synchronous)."""
    alive, now = _processes()
    rows = Presence.objects.filter(workspace_id=workspace_id, user_id=user_id)
    return sorted(
        scope
        for scope, held in rows.values_list("scope", "holders")
        if rules.settled(held, alive, now)
    )


@dataclass
class LocalPresence:
    """The seats that connections of this process take. Belongs to the event loop's thread.

    Each write stores what is true here at that time. So if the database was away, or a change came
    twice, the next write corrects it.
    """

    _seats: defaultdict[Seat, set[str]] = field(default_factory=lambda: defaultdict(set))
    _taken: defaultdict[str, set[Seat]] = field(default_factory=lambda: defaultdict(set))
    _unwritten: set[Seat] = field(default_factory=set)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _alive: frozenset[str] | None = None

    def enter(self, seat: Seat, client_id: str) -> None:
        """Make the connection's user present."""
        if not self._seats[seat]:
            self._touch(seat)
        self._seats[seat].add(client_id)
        self._taken[client_id].add(seat)

    def leave(self, seat: Seat, client_id: str) -> None:
        """Undo `enter` for this connection."""
        clients = self._seats.get(seat)
        if clients is None or client_id not in clients:
            return
        clients.discard(client_id)
        self._taken[client_id].discard(seat)
        if not clients:
            del self._seats[seat]
            self._touch(seat)

    def leave_all(self, client_id: str) -> None:
        """Remove a connection that is gone from all its seats."""
        for seat in list(self._taken.get(client_id, ())):
            self.leave(seat, client_id)
        self._taken.pop(client_id, None)

    async def keep(self) -> None:
        """Write changes as they come, and look once a second for users who have left."""
        for number in itertools.count():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_INTERVAL):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._write()
                known = self._alive if number % FULL_SWEEP_EVERY else None
                swept = await threads.call(sweep, known)
                self._alive = swept.alive
                for seat in swept.doubted & self._seats.keys():
                    self._touch(seat)
            except DATABASE_AWAY as error:
                logger.warning("Presence cannot be kept: %s", error)
                await asyncio.sleep(SWEEP_INTERVAL)

    async def _write(self) -> None:
        for seat in list(self._unwritten):
            self._unwritten.discard(seat)
            try:
                await threads.call(record, seat, here=seat in self._seats)
            except BaseException:
                self._unwritten.add(seat)
                raise

    def _touch(self, seat: Seat) -> None:
        self._unwritten.add(seat)
        self._wake.set()


@unit_of_work
def record(seat: Seat, *, here: bool, process_id: str = PROCESS_ID) -> None:
    """Record whether a process has connections in a seat; tell the listeners of any change."""
    row = _locked(seat, create=here)
    if row is None:
        return
    alive, now = _processes()
    counted = rules.settled(row.holders, alive | {process_id}, now)
    after = rules.entered(counted, process_id) if here else rules.left(counted, process_id, now)
    _save(row, after, was_present=bool(row.holders))


@dataclass(frozen=True)
class Swept:
    """Result of a sweep: the live processes, and the seats where this process counted as gone."""

    alive: frozenset[str]
    doubted: set[Seat]


def sweep(alive_before: frozenset[str] | None = None) -> Swept:
    """Remove presences whose time is over.

    Checks all rows for dead processes, unless the live processes are `alive_before`.
    """
    alive, now = _processes()
    rows = Presence.objects.all()
    if alive == alive_before:
        rows = rows.exclude(check_at=None)
    doubted = set()
    for workspace_id, scope, user_id, held in rows.values_list(
        "workspace_id", "scope", "user_id", "holders"
    ):
        seat = Seat(workspace_id, scope, user_id)
        if rules.settled(held, alive, now) != held:
            _settle(seat, alive, now)
        if held.get(PROCESS_ID) is not None:
            doubted.add(seat)
    return Swept(alive, doubted)


@unit_of_work
def _settle(seat: Seat, alive: frozenset[str], now: float) -> None:
    row = _locked(seat, create=False)
    if row is not None:
        _save(row, rules.settled(row.holders, alive, now), was_present=bool(row.holders))


def _locked(seat: Seat, *, create: bool) -> Presence | None:
    """Return the row of a seat, locked until the end of the transaction."""
    query = Presence.objects.select_for_update().filter(
        workspace_id=seat.workspace_id, scope=seat.scope, user_id=seat.user_id
    )
    row = query.first()
    while row is None and create:
        # Another process may create or delete the row at the same time.
        Presence.objects.bulk_create(
            [Presence(workspace_id=seat.workspace_id, scope=seat.scope, user_id=seat.user_id)],
            ignore_conflicts=True,
        )
        row = query.all().first()
    return row


def _save(row: Presence, after: dict[str, float | None], *, was_present: bool) -> None:
    if after:
        checked = rules.check_at(after)
        row.holders = after
        row.check_at = None if checked is None else datetime.fromtimestamp(checked, UTC)
        row.save(update_fields=["holders", "check_at"])
    else:
        row.delete()
    if was_present != bool(after):
        change = Change(Seat(row.workspace_id, row.scope, row.user_id), present=bool(after))
        for listener in _listeners:
            listener(change)


def _processes() -> tuple[frozenset[str], float]:
    """Return the live processes, and the time of the clock that decides it: the database's."""
    rows: Iterable[tuple[str, datetime]] = (
        Process.alive().annotate(now=Now()).values_list("process_id", "now")
    )
    found = dict(rows)
    now = max(found.values()).timestamp() if found else time.time()
    return frozenset(found), now
