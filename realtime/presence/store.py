"""Who is present where, over all processes, whatever becomes of any of them.

A user is present in a scope (a room, a page) while any of their connections on any process says
so, and ten seconds longer. What is decided is in presence.rules; here are the rows and the loop.
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
# Every so many sweeps look at all rows, for a process that came and died between two of them.
FULL_SWEEP_EVERY = 5


class Seat(NamedTuple):
    """One user's place in one scope of a workspace; `scope` is a stream's name, say."""

    workspace_id: int
    scope: str
    user_id: int


@dataclass(frozen=True)
class Change:
    """A user has come to a scope, or has left it for good."""

    seat: Seat
    present: bool


Listener = Callable[[Change], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Listener:
    """Have `listener` called for every change, on one process, inside its transaction.

    What it publishes goes out on commit. Usable as a decorator.
    """
    _listeners.append(listener)
    return listener


def present(workspace_id: int, scope: str) -> list[int]:
    """The ids of the users who are present in a scope now (synchronous)."""
    return present_in(workspace_id, [scope])[scope]


def present_in(workspace_id: int, scopes: Collection[str]) -> dict[str, list[int]]:
    """The same for several scopes at once, by scope."""
    alive, now = _processes()
    rows = Presence.objects.filter(workspace_id=workspace_id, scope__in=scopes)
    found: dict[str, list[int]] = {scope: [] for scope in scopes}
    for scope, user_id, held in rows.order_by("user_id").values_list("scope", "user_id", "holders"):
        if rules.settled(held, alive, now):
            found[scope].append(user_id)
    return found


def scopes_of(workspace_id: int, user_id: int) -> list[str]:
    """Where a user is present in a workspace now (synchronous)."""
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

    What is written is what is true here at that time, so a database that was away, or a change
    that came twice, is put right by the next write.
    """

    _seats: defaultdict[Seat, set[str]] = field(default_factory=lambda: defaultdict(set))
    _taken: defaultdict[str, set[Seat]] = field(default_factory=lambda: defaultdict(set))
    _unwritten: set[Seat] = field(default_factory=set)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _alive: frozenset[str] | None = None

    def enter(self, seat: Seat, client_id: str) -> None:
        """This connection makes its user present."""
        if not self._seats[seat]:
            self._touch(seat)
        self._seats[seat].add(client_id)
        self._taken[client_id].add(seat)

    def leave(self, seat: Seat, client_id: str) -> None:
        """This connection does so no longer."""
        clients = self._seats.get(seat)
        if clients is None or client_id not in clients:
            return
        clients.discard(client_id)
        self._taken[client_id].discard(seat)
        if not clients:
            del self._seats[seat]
            self._touch(seat)

    def leave_all(self, client_id: str) -> None:
        """This connection is gone."""
        for seat in list(self._taken.get(client_id, ())):
            self.leave(seat, client_id)
        self._taken.pop(client_id, None)

    async def keep(self) -> None:
        """Write changes as they come, and once a second look for those who have left."""
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
    """Note whether a process has connections in a seat; tell the listeners what came of it."""
    row = _locked(seat, create=here)
    if row is None:
        return
    alive, now = _processes()
    counted = rules.settled(row.holders, alive | {process_id}, now)
    after = rules.entered(counted, process_id) if here else rules.left(counted, process_id, now)
    _save(row, after, was_present=bool(row.holders))


@dataclass(frozen=True)
class Swept:
    """What a sweep found: who is alive, and the seats in which this process was thought dead."""

    alive: frozenset[str]
    doubted: set[Seat]


def sweep(alive_before: frozenset[str] | None = None) -> Swept:
    """Let go of those whose time is over.

    All rows are looked at for dead processes unless those alive are `alive_before`.
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
    """The row of a seat, held to the end of the transaction."""
    query = Presence.objects.select_for_update().filter(
        workspace_id=seat.workspace_id, scope=seat.scope, user_id=seat.user_id
    )
    row = query.first()
    while row is None and create:
        # Another process may make it, or take it away, at the same time.
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
    """The processes that are alive, and the time by the clock that says so: the database's."""
    rows: Iterable[tuple[str, datetime]] = (
        Process.alive().annotate(now=Now()).values_list("process_id", "now")
    )
    found = dict(rows)
    now = max(found.values()).timestamp() if found else time.time()
    return frozenset(found), now
