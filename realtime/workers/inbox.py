"""A worker's inbox: a durable queue of commands, with an outcome for each.

An endpoint puts a command and may wait for its outcome. The worker takes the waiting commands,
oldest first, and commits the outcomes together with its own changes, so that a command takes
effect exactly once, even if processes crash. The channel layer only wakes both sides up.

    deposits = Inbox("bank", In=Deposit, Out=Balance)

    balance = await deposits.ask(Deposit(account=1, amount=5), within=5)    # an endpoint

    class Bank(Worker):                                                     # the worker
        name = "bank"
        pace = OnWake(deposits)

        async def step(self) -> None:
            await self.call(self.carry_out)

        def carry_out(self) -> None:
            entries = deposits.take(500)
            with unit_of_work():
                deposits.settle((entry, self.deposit(entry.command)) for entry in entries)
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone

from realtime import errors
from realtime.database import fences
from realtime.database.batching import Batcher
from realtime.errors import AppError, Conflict, InvalidCommand
from realtime.models import InboxEntry
from realtime.process import reporter
from realtime.streams import publish
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers import inbox_rows, outcomes, wakeups
from realtime.workers.inbox_rows import NewRow, SettledRow, WaitingRow
from realtime.workers.leases import HeldLease, LeaseLost
from realtime.workers.outcomes import NoOutcome

__all__ = ["Backlog", "Entry", "Inbox", "NoOutcome", "Put", "Receipt", "backlogs", "inboxes"]

logger = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")

MAX_BATCH = 500
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Put(Generic[In]):
    """A command to put into an inbox.

    `key`: identifies it within its inbox; the same command under the same key is put only once.
    Begin the key with its scope (a user's id). `reply`: this process waits for the outcome;
    without it the outcome is only stored and not sent.
    """

    command: In
    key: str = ""
    reply: bool = False


class Receipt(NamedTuple):
    """The id of a command's entry; `duplicate`: it was put before under the same key."""

    id: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Entry(Generic[In]):
    """A command without an outcome yet."""

    id: int
    command: In
    put_at: datetime
    asker: str


class Backlog(NamedTuple):
    """The number of waiting entries of an inbox, and the age of the oldest in seconds."""

    depth: int
    oldest: float


_inboxes: dict[str, Inbox[Any, Any]] = {}


class Inbox(Generic[In, Out]):
    """Commands of one kind for one worker. Create it at import, once for each name.

    Args:
        name: lower-case letters, digits, hyphens.
        In: the type of the commands: a msgspec Struct, or a union of tagged ones.
        Out: the type of the outcomes.
        shared: several workers take from it at once (Worker.slots): an entry that one has taken
            belongs to it until its lease ends.

    Raises:
        ValueError: the name is taken or malformed.
    """

    def __init__(self, name: str, In: Any, Out: Any, *, shared: bool = False) -> None:  # noqa: N803
        if not _NAME.fullmatch(name) or name in _inboxes:
            raise ValueError(f"{name!r} is no name for an inbox, or taken.")
        self.name = name
        self.group = f"inbox.{name}"
        self.shared = shared
        self._encoder = msgspec.json.Encoder(order="deterministic")
        self._commands: msgspec.json.Decoder[In] = msgspec.json.Decoder(In)
        self._outcomes: msgspec.json.Decoder[Out] = msgspec.json.Decoder(Out)
        self._batcher: Batcher[Put[In], Receipt] = Batcher(self.put_all, limit=MAX_BATCH)
        _inboxes[name] = self

    # --- Senders ----------------------------------------------------------------------------

    def put(self, command: In, *, key: str = "", reply: bool = False) -> Receipt:
        """Put a command; it is durable once the enclosing unit of work commits. Synchronous.

        Raises:
            Conflict: another command was put under this key.
        """
        (result,) = self.put_all([Put(command, key, reply)])
        if isinstance(result, AppError):
            raise result
        return result

    @unit_of_work
    def put_all(self, puts: Sequence[Put[In]]) -> list[Receipt | AppError]:
        """Put many commands in this order; returns a receipt or an error for each. Synchronous."""
        asker = reporter.PROCESS_ID
        rows = [
            NewRow(self._encode(put.command), put.key, asker if put.reply else "") for put in puts
        ]
        before = inbox_rows.keyed(self.name, {row.key for row in rows if row.key})
        new = [(place, row) for place, row in enumerate(rows) if row.key not in before]
        ids = inbox_rows.insert(self.name, [row for _, row in new]) if new else {}
        results: list[Receipt | AppError | None] = [None] * len(rows)
        for among_new, entry_id in ids.items():
            results[new[among_new][0]] = Receipt(entry_id, duplicate=False)
        if ids:
            publish.publish_wakeup(self.group)
        missing = {row.key for row, result in zip(rows, results, strict=True) if result is None}
        first = inbox_rows.keyed(self.name, missing)
        return [
            result or _repeated(row, first[row.key])
            for row, result in zip(rows, results, strict=True)
        ]

    async def submit(self, command: In, *, key: str = "", reply: bool = False) -> Receipt:
        """Put a command; returns once it is durable. Concurrent calls share a commit.

        Raises:
            Conflict: another command was put under this key.
            OperationalError, InterfaceError: the database is down; the command may have been put.
        """
        if reply:
            await outcomes.outcomes()
        return await self._batcher.submit(Put(command, key, reply))

    async def outcome(self, entry_id: int, within: float, *, look: bool = True) -> Out:
        """Return the outcome of an entry, waiting at most `within` seconds.

        Args:
            look: query the database at once; not needed just after a `submit` with `reply`.

        Raises:
            AppError: the worker refused the command with this error.
            NoOutcome: the command was not settled in time; it may still take effect.
        """
        waiting = await outcomes.outcomes()
        found = await waiting.wait(entry_id, within, look=look)
        if found.refused:
            raise errors.unpack(msgspec.json.decode(found.text))
        outcome: Out = self._outcomes.decode(found.text)
        return outcome

    async def ask(self, command: In, *, within: float, key: str = "") -> Out:
        """Put a command and wait for its outcome: `submit`, then `outcome`."""
        receipt = await self.submit(command, key=key, reply=True)
        return await self.outcome(receipt.id, within, look=receipt.duplicate)

    # --- The worker (synchronous) -----------------------------------------------------------

    def take(self, limit: int = MAX_BATCH) -> list[Entry[In]]:
        """Return the oldest waiting commands, by id.

        The next `take` returns them again until they are settled. A shared inbox claims them
        instead: any worker may take them again once this one's lease has ended. Commands that
        cannot be decoded are settled as refused and logged.
        """
        rows = self._claim(limit) if self.shared else inbox_rows.waiting(self.name, limit)
        if len(rows) == limit:
            wakeups.wake_own(self.group)  # there is probably more
        entries, unreadable = [], []
        for row in rows:
            try:
                command = self._commands.decode(row.payload)
            except msgspec.DecodeError as error:
                logger.error("Entry %d of the inbox %s is refused: %s", row.id, self.name, error)
                refusal = InvalidCommand(f"The command cannot be read: {error}")
                unreadable.append((Entry(row.id, row.payload, row.put_at, row.asker), refusal))
            else:
                entries.append(Entry(row.id, command, row.put_at, row.asker))
        if unreadable:
            self._settle(unreadable)
        return entries

    def settle(self, outcomes: Iterable[tuple[Entry[In], Out | AppError]]) -> None:
        """Write the outcomes of commands, in the enclosing unit of work.

        Raises:
            LeaseLost: another worker has claimed one of them.
            RuntimeError: one of them was already settled.
        """
        self._settle(list(outcomes))

    @unit_of_work
    def _settle(self, settled: Sequence[tuple[Entry[Any], Out | AppError]]) -> None:
        if not settled:
            return
        rows = [self._settled_row(entry.id, outcome) for entry, outcome in settled]
        if inbox_rows.settle(rows, _lease() if self.shared else None) != len(rows):
            if self.shared:
                raise LeaseLost(f"Another worker has taken entries of the inbox {self.name}.")
            raise RuntimeError(f"Entries of the inbox {self.name} were settled twice.")
        told: dict[str, list[SettledRow]] = defaultdict(list)
        for (entry, _), row in zip(settled, rows, strict=True):
            if entry.asker:
                told[entry.asker].append(row)
        transaction.on_commit(partial(_tell, told))

    def _claim(self, limit: int) -> list[WaitingRow]:
        # Check first: on SQLite a claim waits for the single write lock.
        if not inbox_rows.waiting(self.name, 1):
            return []
        with unit_of_work():
            return inbox_rows.claim(self.name, limit, _lease())

    def _settled_row(self, entry_id: int, outcome: Out | AppError) -> SettledRow:
        if isinstance(outcome, AppError):
            return SettledRow(entry_id, True, self._encode(errors.pack(outcome)))
        return SettledRow(entry_id, False, self._encode(outcome))

    def _encode(self, value: Any) -> str:
        return self._encoder.encode(value).decode()


def inboxes() -> dict[str, Inbox[Any, Any]]:
    """Return all inboxes by name."""
    return dict(_inboxes)


def backlogs() -> dict[str, Backlog]:
    """Return the backlog of each inbox of this installation (synchronous)."""
    waiting = InboxEntry.objects.filter(done_at__isnull=True).values("inbox")
    rows = waiting.annotate(depth=Count("id"), since=Min("created_at"))
    found = {
        name: Backlog(depth, max(0.0, (timezone.now() - since).total_seconds()))
        for name, depth, since in rows.values_list("inbox", "depth", "since")
    }
    return dict.fromkeys(_inboxes, Backlog(0, 0.0)) | found


def _tell(told: Mapping[str, Sequence[SettledRow]]) -> None:
    for asker, rows in told.items():
        publish.publish_outcomes(wakeups.group_of_process(asker), rows)


def _repeated(row: NewRow, first: inbox_rows.KeyedRow) -> Receipt | AppError:
    if first.payload != row.payload:
        return Conflict("Another command was put under this key.")
    return Receipt(first.id, duplicate=True)


def _lease() -> HeldLease:
    lease = fences.current()
    if not isinstance(lease, HeldLease):
        raise RuntimeError("Only a worker takes from a shared inbox.")
    return lease
