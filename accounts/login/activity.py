"""Remembers who used this process in the last minute, so that most requests write nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

SEEN_EVERY = 60.0
CAPACITY = 50_000


class RecentUse:
    """Remembers keys for a minute; thread-safe.

    Args:
        clock: monotonic time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def is_due(self, key: Hashable) -> bool:
        """Return whether `key` was not seen for a minute, and mark it as seen now."""
        now = self._clock()
        with self._lock:
            if now - self._seen.get(key, -SEEN_EVERY) < SEEN_EVERY:
                return False
            if len(self._seen) >= CAPACITY:
                self._seen = {k: at for k, at in self._seen.items() if now - at < SEEN_EVERY}
            self._seen[key] = now
            return True

    def forget(self) -> None:
        """Make every key due again."""
        with self._lock:
            self._seen.clear()


recent_use = RecentUse()
