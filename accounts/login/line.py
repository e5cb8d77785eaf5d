"""The line in front of the password check: a few at a time, the others wait for their turn.

Whoever comes waits in the thread of their own request, so nobody else is held up, and without a
database connection. Turns go round the addresses, so that one address cannot fill the line.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from accounts.hashing import busy

# Beside those that hash, some that read or write the database before or after it.
BESIDE = 2
MAX_WAITING = 256
MAX_WAITING_PER_ADDRESS = 128


class Line:
    """Lets `slots` threads in at once, and the others in turn by key, first in, first out."""

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._guard = threading.Lock()
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()

    def enter(self, key: str, timeout: float) -> bool:
        """Wait for a turn, at most `timeout` seconds; False if it did not come or the line is full.

        Args:
            key: those of one key wait for each other, those of other keys are served between.
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
            if turn.is_set():  # handed over between the timeout and this line
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
    """Run a block when it is this key's turn.

    Raises:
        Unavailable: the turn did not come in time, or the line is full.
    """
    line = _get_line()
    if not line.enter(key, settings.LOGIN_LIMITS["wait"]):
        raise busy()
    try:
        yield
    finally:
        line.leave()


def give_back_connection() -> None:
    """Return a pooled connection before waiting; SQLite's stays open and holds nothing."""
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()


def _get_line() -> Line:
    global _line
    with _making:
        if _line is None:
            _line = Line(int(settings.LOGIN_LIMITS["hashes_at_once"]) + BESIDE)
        return _line
