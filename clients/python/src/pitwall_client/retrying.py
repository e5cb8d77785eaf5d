"""Trying again while a server is down or busy: for how long, and how long to wait. Pure."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from . import reconnect

# The server asks to come back later: it has not done anything.
BUSY_STATUSES = frozenset({429, 503})


class Patience:
    """How long to go on trying.

    Args:
        within: seconds from now. 0: the first failure is the last.
        uniform: `random.uniform` or a substitute.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        within: float,
        uniform: Callable[[float, float], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._uniform = uniform
        self._until = clock() + within
        self._attempt = 0

    def delay(self, retry_after: float | None) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up.

        Waits less than its jitter would, but never less than the server asks for.
        """
        left = self._until - self._clock()
        if left <= 0 or (retry_after or 0.0) > left:
            return None
        wait = reconnect.delay(self._attempt, retry_after, self._uniform)
        self._attempt += 1
        return min(wait, left)


def seconds(retry_after: str | None) -> float | None:
    """Return a Retry-After header in seconds (RFC 9110, 10.2.3: a number or a date), or None."""
    try:
        number = float(retry_after or "")
    except ValueError:
        pass
    else:
        return max(0.0, number) if math.isfinite(number) else None
    try:
        moment = parsedate_to_datetime(retry_after or "")
    except (TypeError, ValueError):
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
