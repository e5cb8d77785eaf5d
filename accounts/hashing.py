"""How passwords are hashed, and how many at once: each hash takes memory on purpose.

The parameters are OWASP's (Password Storage Cheat Sheet: Argon2id with 19 MiB, 2 passes, 1 lane).
A hash that was made with others is replaced when its owner next signs in.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher
from django.db import connection

from realtime.errors import Unavailable

T = TypeVar("T")


def busy() -> Unavailable:
    """Return the refusal of a password that cannot be checked now."""
    return Unavailable("Too many people are signing in at this moment. Try again.", retry_after=5)


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
            raise busy()
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


class HashThreads:
    """The threads that hash for the whole process, and the line in front of them.

    Threads of their own, since the allocator keeps memory for each thread that has asked for it:
    a hash in every request's thread left 300 MB behind after 64 of them (measured).
    """

    def __init__(self, count: int) -> None:
        self._places = Places(count)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="hash")

    def run(self, memory: float, work: Callable[[], T]) -> T:
        """Do `work` as soon as there is room for it.

        Args:
            memory: KiB; a hash that takes more than the settings say takes as many places.

        Raises:
            Unavailable: there was no room for as long as `PITWALL_LOGIN_WAIT`.
        """
        limits = settings.LOGIN_LIMITS
        count = max(1, -int(-memory // limits["hash_memory"]))
        # Inside a transaction, to wait is to hold up everybody who writes: nobody goes before.
        with self._places.taken(count, limits["wait"], first=connection.in_atomic_block):
            return self._threads.submit(work).result()


_hash_threads: HashThreads | None = None
_making = threading.Lock()


def hash_threads() -> HashThreads:
    """Return those of this process."""
    global _hash_threads
    with _making:
        if _hash_threads is None:
            _hash_threads = HashThreads(int(settings.LOGIN_LIMITS["hashes_at_once"]))
        return _hash_threads


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
        return hash_threads().run(
            self.memory_cost, functools.partial(super().encode, password, salt)
        )

    def verify(self, password: str, encoded: str) -> bool:
        return hash_threads().run(
            self.decode(encoded)["memory_cost"],
            functools.partial(super().verify, password, encoded),
        )


class PBKDF2(PBKDF2PasswordHasher):
    """Passwords of older installations; they take no memory to speak of, but their time."""

    def encode(self, password: str, salt: str, iterations: Any = None) -> str:
        return hash_threads().run(0, functools.partial(super().encode, password, salt, iterations))
