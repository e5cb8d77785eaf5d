"""Password hashing, limited to a few hashes at once because each takes memory on purpose.

The parameters are OWASP's (Password Storage Cheat Sheet: Argon2id with 19 MiB, 2 passes, 1 lane).
A hash with other parameters is replaced when its owner next signs in.
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
    """Return the error for a password that cannot be checked now."""
    return Unavailable("Too many people are signing in at this moment. Try again.", retry_after=5)


class Places:
    """A fair semaphore whose holders may take several places; waiters are served in order."""

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
            first: skip the queue.

        Raises:
            Unavailable: the places were not free in time.
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
    """The threads that hash for the whole process, with a queue.

    Hashing has its own threads because the allocator keeps freed memory for each thread: 64
    hashes in the threads of their requests left 300 MB allocated (measured).
    """

    def __init__(self, count: int) -> None:
        self._places = Places(count)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="hash")

    def run(self, memory: float, work: Callable[[], T]) -> T:
        """Run `work` as soon as there is room for it.

        Args:
            memory: KiB; a hash that needs a multiple of the configured memory takes as many places.

        Raises:
            Unavailable: there was no room within `PITWALL_LOGIN_WAIT`.
        """
        limits = settings.LOGIN_LIMITS
        count = max(1, -int(-memory // limits["hash_memory"]))
        # Waiting inside a transaction blocks other writers, so this caller skips the queue.
        with self._places.taken(count, limits["wait"], first=connection.in_atomic_block):
            return self._threads.submit(work).result()


_hash_threads: HashThreads | None = None
_making = threading.Lock()


def hash_threads() -> HashThreads:
    """Return the hash threads of this process."""
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
    """PBKDF2 for passwords of older installations; it takes little memory but as much time."""

    def encode(self, password: str, salt: str, iterations: Any = None) -> str:
        return hash_threads().run(0, functools.partial(super().encode, password, salt, iterations))
