"""The look-up of who a browser's session belongs to, shared by handshakes that come together.

A page opens several sockets, and after a restart all pages come back at once: within a second one
look-up serves them all. A revocation empties the cache, and one that arrives while a look-up is
under way closes the sockets that it lets in, since they are dated by its beginning.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from realtime.auth import Credentials, Principal

KEPT_FOR = 0.9
CAPACITY = 10_000

LookUp = Callable[[Credentials], Awaitable[Principal | None]]


@dataclass(frozen=True)
class Login:
    """Whose credentials these are (None: refused), as of `at` (monotonic seconds)."""

    principal: Principal | None
    at: float


class LoginCache:
    """Look-ups of the last second by credentials. Belongs to one event loop."""

    def __init__(self) -> None:
        self._entries: dict[Credentials, tuple[float, asyncio.Task[Principal | None]]] = {}

    async def find(self, shown: Credentials, look_up: LookUp) -> Login:
        """What `look_up` says of these credentials, or said within the last second.

        Only sessions are kept: a ticket is good for one socket, and a token's use is noted.
        """
        now = time.monotonic()
        if shown.session_key is None:
            return Login(await look_up(shown), now)
        began, task = self._entries.get(shown, (0.0, None))
        if task is None or now - began > KEPT_FOR or task.cancelled():
            began = now
            task = asyncio.ensure_future(look_up(shown))
            self._keep(shown, began, task)
        try:
            # One handshake that is given up must not take the others' answer with it.
            principal = await asyncio.shield(task)
        except Exception:
            self._entries.pop(shown, None)
            raise
        return Login(principal, began)

    def forget(self) -> None:
        """Something was revoked: nothing that is known counts for those who come from now on."""
        self._entries.clear()

    def _keep(self, shown: Credentials, began: float, task: asyncio.Task[Principal | None]) -> None:
        if len(self._entries) >= CAPACITY:
            self._entries = {
                known: entry
                for known, entry in self._entries.items()
                if began - entry[0] <= KEPT_FOR
            }
        if len(self._entries) < CAPACITY:
            self._entries[shown] = (began, task)
