"""How passwords are hashed, and how many at once: each hash takes memory on purpose.

The parameters are OWASP's (Password Storage Cheat Sheet: Argon2id with 19 MiB, 2 passes, 1 lane).
A hash that was made with others is replaced when its owner next signs in.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher
from django.db import connection

from realtime.errors import Unavailable

BUSY = "Too many people are signing in at this moment. Try again."


class Places:
    """So many places, which are taken one or several at a time; those who wait go in order."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._free = places
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def taken(self, count: int, timeout: float, *, first: bool = False) -> Iterator[None]:
        """Run a block in `count` places, at most all of them.

        Args:
            timeout: seconds to wait for them.
            first: go before those who wait already.

        Raises:
            Unavailable: they were not free in time.
        """
        count = min(count, self.places)
        me = object()
        with self._changed:
            (self._waiting.appendleft if first else self._waiting.append)(me)
            ready = self._changed.wait_for(
                lambda: self._waiting[0] is me and self._free >= count, timeout
            )
            self._waiting.remove(me)
            if ready:
                self._free -= count
            self._changed.notify_all()
        if not ready:
            raise Unavailable(BUSY, retry_after=5)
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


_places: Places | None = None
_making = threading.Lock()


@contextmanager
def place(memory: float = 0) -> Iterator[None]:
    """Run a hash when there is room for it in this process.

    Args:
        memory: KiB; one that takes more than the settings say takes as many places.

    Raises:
        Unavailable: there was no room for as long as `PITWALL_LOGIN_WAIT`.
    """
    global _places
    limits = settings.LOGIN_LIMITS
    with _making:
        if _places is None:
            _places = Places(int(limits["hashes_at_once"]))
    count = max(1, -int(-memory // limits["hash_memory"]))
    # Whoever waits inside a transaction holds up others who write: nobody else goes before.
    with _places.taken(count, limits["wait"], first=connection.in_atomic_block):
        yield


class Argon2(Argon2PasswordHasher):
    """Argon2id with the parameters of the settings."""

    @property
    def time_cost(self) -> int:  # type: ignore[override]
        return int(settings.LOGIN_LIMITS["hash_passes"])

    @property
    def memory_cost(self) -> int:  # type: ignore[override]
        return int(settings.LOGIN_LIMITS["hash_memory"])

    @property
    def parallelism(self) -> int:  # type: ignore[override]
        return int(settings.LOGIN_LIMITS["hash_lanes"])

    def encode(self, password: str, salt: str) -> str:
        with place(self.memory_cost):
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with place(self.decode(encoded)["memory_cost"]):
            return super().verify(password, encoded)


class PBKDF2(PBKDF2PasswordHasher):
    """Passwords of older installations; they take no memory to speak of, but their time."""

    def encode(self, password: str, salt: str, iterations: Any = None) -> str:
        with place():
            return super().encode(password, salt, iterations)
