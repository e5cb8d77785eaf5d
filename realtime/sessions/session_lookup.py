"""Looks up the users of browser sessions, for many handshakes at once.

After a restart every page reconnects in the same second. Handshakes that arrive during a lookup
share the next one, and each result is cached for a second. A revocation empties the cache. One
that arrives during a lookup closes the sockets that the lookup admits, since a login is dated
before its lookup starts.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from realtime.auth import Credentials, Principal

KEPT_FOR = 0.9
CAPACITY = 10_000
BATCH = 64
# Seconds that the first of many handshakes waits for others; it waits once more if any came.
GATHER = 0.001
# Seconds after which a lookup no longer holds up the next one: the database is slow.
PATIENCE = 0.1
MAX_AT_ONCE = 4

LookUp = Callable[[Sequence[Credentials]], Awaitable[Sequence[Principal | None]]]


@dataclass(frozen=True)
class FoundLogin:
    """The principal of credentials (None: refused), as of `at` (monotonic seconds)."""

    principal: Principal | None
    at: float


class _Asked:
    """One requested session: its result (a login or an error), or the waiters for it."""

    __slots__ = ("at", "done", "error", "login", "shown", "waiters")

    def __init__(self, shown: Credentials, at: float) -> None:
        self.shown = shown
        self.at = at
        self.done = False
        self.login = FoundLogin(None, at)
        self.error: Exception | None = None
        self.waiters: list[asyncio.Future[None]] = []

    async def wait(self) -> FoundLogin:
        if not self.done:
            # A future for each waiter: a cancelled handshake must not cancel the others.
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            await waiter
        if self.error is not None:
            raise self.error
        return self.login

    def finish(self, principal: Principal | None, error: Exception | None = None) -> None:
        self.done, self.error = True, error
        self.login = FoundLogin(principal, self.at)
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()


class Logins:
    """Lookups under way and those of the last second. Belongs to one event loop.

    Args:
        look_up: returns the principals of credentials, in their order; raises database errors.
    """

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._known: dict[Credentials, _Asked] = {}
        self._waiting: deque[_Asked] = deque()
        self._dispatcher: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()

    async def find(self, shown: Credentials) -> FoundLogin:
        """Return the login of these credentials, which may be up to a second old."""
        now = time.monotonic()
        known = self._known.get(shown)
        if known is None or now - known.at > KEPT_FOR:
            known = _Asked(shown, now)
            self._keep(known)
            self._ask(known)
        return await known.wait()

    def forget(self) -> None:
        """Empty the cache after a revocation: later handshakes are looked up again."""
        self._known.clear()

    def _ask(self, new: _Asked) -> None:
        self._waiting.append(new)
        if self._dispatcher is None:
            self._dispatcher = asyncio.get_running_loop().create_task(self._dispatch())

    def _keep(self, new: _Asked) -> None:
        if len(self._known) >= CAPACITY:
            oldest = new.at - KEPT_FOR
            self._known = {k: known for k, known in self._known.items() if known.at >= oldest}
        if len(self._known) < CAPACITY:
            self._known[new.shown] = new

    async def _dispatch(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                task = asyncio.get_running_loop().create_task(self._answer(batch))
                self._batches.add(task)
                task.add_done_callback(self._batches.discard)
                await asyncio.wait({task}, timeout=PATIENCE)
                while len(self._batches) >= MAX_AT_ONCE:
                    await asyncio.wait(self._batches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._dispatcher = None

    async def _gather(self) -> None:
        """Wait briefly to fill the batch: each lookup and each thread switch has a cost."""
        for _ in range(2):
            before = len(self._waiting)
            if before < BATCH:
                await asyncio.sleep(GATHER)
            if len(self._waiting) == before:
                return

    async def _answer(self, batch: list[_Asked]) -> None:
        try:
            found = await self._look_up([asked.shown for asked in batch])
        except Exception as error:  # noqa: BLE001 - each handshake handles it
            for asked in batch:
                if self._known.get(asked.shown) is asked:
                    del self._known[asked.shown]
                asked.finish(None, error)
            return
        for asked, principal in zip(batch, found, strict=True):
            asked.finish(principal)
