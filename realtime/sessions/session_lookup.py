"""The look-up of who browsers' sessions belong to, for many handshakes at once.

After a restart every page comes back in the same second. Handshakes that come while a look-up is
under way are looked up together, and what was found counts for a second. A revocation empties
that memory, and one that arrives during a look-up closes the sockets that it lets in, since they
are dated by its beginning.
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
# For so long the first of a crowd waits for those right behind it, and once more if some came.
GATHER = 0.001
# A look-up that takes longer has met a slow database: others no longer wait for it.
PATIENCE = 0.1
MAX_AT_ONCE = 4

LookUp = Callable[[Sequence[Credentials]], Awaitable[Sequence[Principal | None]]]


@dataclass(frozen=True)
class Login:
    """Whose credentials these are (None: refused), as of `at` (monotonic seconds)."""

    principal: Principal | None
    at: float


class _Asked:
    """One session that is asked for: what was found (a login or an error), or who waits."""

    __slots__ = ("at", "done", "error", "login", "shown", "waiters")

    def __init__(self, shown: Credentials, at: float) -> None:
        self.shown = shown
        self.at = at
        self.done = False
        self.login = Login(None, at)
        self.error: Exception | None = None
        self.waiters: list[asyncio.Future[None]] = []

    async def wait(self) -> Login:
        if not self.done:
            # A future for each: one handshake that is given up takes nobody else's answer with it.
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            await waiter
        if self.error is not None:
            raise self.error
        return self.login

    def finish(self, principal: Principal | None, error: Exception | None = None) -> None:
        self.done, self.error = True, error
        self.login = Login(principal, self.at)
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()


class Logins:
    """Look-ups under way and those of the last second. Belongs to one event loop.

    Args:
        look_up: principals of credentials, in their order; raises what the database raises.
    """

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._known: dict[Credentials, _Asked] = {}
        self._waiting: deque[_Asked] = deque()
        self._dispatcher: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()

    async def find(self, shown: Credentials) -> Login:
        """Whose session this is, or was within the last second."""
        now = time.monotonic()
        known = self._known.get(shown)
        if known is None or now - known.at > KEPT_FOR:
            known = _Asked(shown, now)
            self._keep(known)
            self._ask(known)
        return await known.wait()

    def forget(self) -> None:
        """Something was revoked: nothing that is known counts for those who come from now on."""
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
        """Wait a moment: each look-up has a price, and so has each change between threads."""
        for _ in range(2):
            before = len(self._waiting)
            if before < BATCH:
                await asyncio.sleep(GATHER)
            if len(self._waiting) == before:
                return

    async def _answer(self, batch: list[_Asked]) -> None:
        try:
            found = await self._look_up([asked.shown for asked in batch])
        except Exception as error:  # noqa: BLE001 - each handshake deals with it
            for asked in batch:
                if self._known.get(asked.shown) is asked:
                    del self._known[asked.shown]
                asked.finish(None, error)
            return
        for asked, principal in zip(batch, found, strict=True):
            asked.finish(principal)
