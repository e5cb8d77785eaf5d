"""The queue for password checks: a few run at a time, the others wait.

A request waits in its own thread and without a database connection, so it blocks no other request.
Addresses take turns, so that one address cannot fill the queue.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from accounts.hashing import busy

# Besides the requests that hash, some read or write the database before or after that.
BESIDE = 2
MAX_WAITING = 256
MAX_WAITING_PER_ADDRESS = 128


class Line:
    """A semaphore with `slots` places and a queue per key; keys take turns."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._guard = threading.Lock()
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()

    def enter(self, key: str, timeout: float) -> bool:
        """Wait for a place, at most `timeout` seconds; False if none came or the queue is full.

        Args:
            key: callers with the same key wait in order; callers with other keys go in between.
        """
        with self._guard:
            if self._free:
                self._free -= 1
                return True
            ahead = len(self._waiting.get(key, ()))
            if ahead >= MAX_WAITING_PER_ADDRESS or self._length() >= MAX_WAITING:
                return False
            turn = threading.Event()
            mine = self._waiting.setdefault(key, deque())
            mine.append(turn)
        give_back_connection()
        if turn.wait(timeout):
            return True
        with self._guard:
            if turn.is_set():  # granted between the timeout and this line
                return True
            mine.remove(turn)
            if not mine and self._waiting.get(key) is mine:
                del self._waiting[key]
            return False

    def leave(self) -> None:
        with self._guard:
            if not self._waiting:
                self._free += 1
                return
            key, waiting = self._waiting.popitem(last=False)
            waiting.popleft().set()
            if waiting:
                self._waiting[key] = waiting  # at the end of the round

    def _length(self) -> int:
        return sum(map(len, self._waiting.values()))


_line: Line | None = None
_making = threading.Lock()


@contextmanager
def turn(key: str) -> Iterator[None]:
    """Run a block once there is a place for `key`.

    Raises:
        Unavailable: there was no place in time, or the queue is full.
    """
    line = _get_line()
    if not line.enter(key, settings.LOGIN_LIMITS["wait"]):
        raise busy()
    try:
        yield
    finally:
        line.leave()


def give_back_connection() -> None:
    """Return a pooled connection before waiting; SQLite's stays open, since it blocks nobody."""
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()


def _get_line() -> Line:
    global _line
    with _making:
        if _line is None:
            _line = Line(int(settings.LOGIN_LIMITS["hashes_at_once"]) + BESIDE)
        return _line
