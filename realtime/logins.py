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
# For so long the first of a crowd waits for those right behind it.
GATHER = 0.002
# A look-up that takes longer has met a slow database: others no longer wait for it.
PATIENCE = 0.1
MAX_AT_ONCE = 4

LookUp = Callable[[Sequence[Credentials]], Awaitable[Sequence[Principal | None]]]
Answer = asyncio.Future[Principal | None]


@dataclass(frozen=True)
class Login:
    """Whose credentials these are (None: refused), as of `at` (monotonic seconds)."""

    principal: Principal | None
    at: float


class Logins:
    """Look-ups under way and those of the last second. Belongs to one event loop.

    Args:
        look_up: principals of credentials, in their order; raises what the database raises.
    """

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._known: dict[Credentials, tuple[float, Answer]] = {}
        self._waiting: deque[tuple[Credentials, Answer]] = deque()
        self._dispatcher: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()

    async def find(self, shown: Credentials) -> Login:
        """Whose session this is, or was within the last second."""
        now = time.monotonic()
        asked, answer = self._known.get(shown, (0.0, None))
        if answer is None or now - asked > KEPT_FOR:
            asked, answer = now, self._ask(shown)
            self._keep(shown, asked, answer)
        # One handshake that is given up must not take the others' answer with it.
        return Login(await asyncio.shield(answer), asked)

    def forget(self) -> None:
        """Something was revoked: nothing that is known counts for those who come from now on."""
        self._known.clear()

    def _ask(self, shown: Credentials) -> Answer:
        loop = asyncio.get_running_loop()
        answer: Answer = loop.create_future()
        self._waiting.append((shown, answer))
        if self._dispatcher is None:
            self._dispatcher = loop.create_task(self._dispatch())
        return answer

    def _keep(self, shown: Credentials, asked: float, answer: Answer) -> None:
        if len(self._known) >= CAPACITY:
            self._known = {
                known: entry for known, entry in self._known.items() if asked - entry[0] <= KEPT_FOR
            }
        if len(self._known) < CAPACITY:
            self._known[shown] = (asked, answer)

    async def _dispatch(self) -> None:
        try:
            await asyncio.sleep(GATHER)
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                task = asyncio.get_running_loop().create_task(self._answer(batch))
                self._batches.add(task)
                task.add_done_callback(self._batches.discard)
                await asyncio.wait({task}, timeout=PATIENCE)
                while len(self._batches) >= MAX_AT_ONCE:
                    await asyncio.wait(self._batches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._dispatcher = None

    async def _answer(self, batch: list[tuple[Credentials, Answer]]) -> None:
        try:
            found = await self._look_up([shown for shown, _ in batch])
        except Exception as error:  # noqa: BLE001 - each handshake deals with it
            for shown, answer in batch:
                self._known.pop(shown, None)
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), principal in zip(batch, found, strict=True):
            if not answer.done():
                answer.set_result(principal)
