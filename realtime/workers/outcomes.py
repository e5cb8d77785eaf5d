"""Outcomes of the commands that this process has put into inboxes and waits for.

The worker's process sends them through the layer after its commit. Those that the layer loses are
found in the database: one query, four times a second, looks up all pending commands.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping
from contextvars import Context
from typing import NamedTuple

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.models import InboxEntry
from realtime.workers import wakeups

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.25
# Limit of the outcomes kept before anyone waits for them: a worker may settle a command before
# the task that committed it resumes.
MOST_EARLY = 10_000


class Outcome(NamedTuple):
    """The outcome of a command, as stored."""

    refused: bool
    text: str


class NoOutcome(TimeoutError):
    """No worker settled the command in time. It is durable and may still take effect."""


class Outcomes:
    """The outcomes that one event loop waits for."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._waiting: dict[int, list[asyncio.Future[Outcome]]] = defaultdict(list)
        self._early: OrderedDict[int, Outcome] = OrderedDict()
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, entry_id: int, within: float, *, look: bool) -> Outcome:
        """Return the outcome of an entry.

        Args:
            within: the timeout in seconds.
            look: query the database at once: the entry may have been settled long ago.

        Raises:
            NoOutcome: the entry was not settled in time.
        """
        if (early := self._early.pop(entry_id, None)) is not None:
            return early
        future: asyncio.Future[Outcome] = self.loop.create_future()
        self._waiting[entry_id].append(future)
        if self._looking is None:
            # In a new context: the task serves every waiter, not only this one.
            self._looking = self.loop.create_task(self._keep_looking(), context=Context())
        try:
            async with asyncio.timeout(within):
                if look:
                    await self._look([entry_id])
                return await future
        except TimeoutError:
            raise NoOutcome(f"Nothing has come of entry {entry_id} within {within:g} s.") from None
        finally:
            self._forget(entry_id, future)

    def hear(self, message: wakeups.Message) -> None:
        """Handle a message of the layer (realtime.streams.publish.publish_outcomes)."""
        for entry_id, refused, text in message.get("outcomes", ()):
            self._settle(entry_id, Outcome(refused, text))

    def _settle(self, entry_id: int, outcome: Outcome) -> None:
        waiting = self._waiting.pop(entry_id, None)
        if waiting is None:
            self._early[entry_id] = outcome
            if len(self._early) > MOST_EARLY:
                self._early.popitem(last=False)
            return
        for future in waiting:
            if not future.done():
                future.set_result(outcome)

    def _forget(self, entry_id: int, future: asyncio.Future[Outcome]) -> None:
        waiting = self._waiting.get(entry_id)
        if waiting is not None and future in waiting:
            waiting.remove(future)
            if not waiting:
                del self._waiting[entry_id]

    async def _keep_looking(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(LOOK_EVERY)
                await self._look(list(self._waiting))
        finally:
            self._looking = None

    async def _look(self, entry_ids: Collection[int]) -> None:
        try:
            found = await threads.call(settled, entry_ids)
        except DATABASE_AWAY as error:
            logger.warning("Outcomes cannot be looked up: %s", error)
            return
        for entry_id, outcome in found.items():
            if entry_id in self._waiting:
                self._settle(entry_id, outcome)


def settled(entry_ids: Collection[int]) -> Mapping[int, Outcome]:
    """Return the outcomes of the entries that have one (synchronous)."""
    if not entry_ids:
        return {}
    done = InboxEntry.objects.filter(pk__in=entry_ids, done_at__isnull=False)
    rows = done.values_list("pk", "refused", "outcome")
    return {pk: Outcome(refused, text or "") for pk, refused, text in rows}


_outcomes: Outcomes | None = None


async def outcomes() -> Outcomes:
    """Return the `Outcomes` of the running event loop, which receives outcomes from now on."""
    global _outcomes
    if _outcomes is None or _outcomes.loop is not asyncio.get_running_loop():
        _outcomes = Outcomes()
    listener = await wakeups.get_listener()
    listener.own(_outcomes.hear)
    return _outcomes
