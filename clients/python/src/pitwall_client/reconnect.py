"""Decides when to reconnect. Pure: time and randomness are passed in."""

from collections.abc import Callable

FIRST_CEILING = 0.5
LAST_CEILING = 20.0

# Close codes after which reconnecting cannot help.
FINAL_CODES = frozenset({1000, 1003, 1007, 1008, 1009})


def is_final(code: int | None) -> bool:
    """Tell whether a close code is final. None means that the connection broke without one."""
    return code is not None and (code in FINAL_CODES or 4500 <= code <= 4999)


def delay(
    attempt: int,
    retry_after: float | None,
    uniform: Callable[[float, float], float],
) -> float:
    """Return the seconds to wait before the next attempt, with full jitter.

    Args:
        attempt: consecutive failures so far, from 0.
        retry_after: seconds that the server asked to wait. The jitter is added to it, so that the
            clients of a drained server do not all return at the same moment.
        uniform: `random.uniform` or a substitute.
    """
    # Cap the exponent too: 2.0**1024 would overflow in a client that retries for days.
    ceiling = min(LAST_CEILING, FIRST_CEILING * 2.0 ** min(attempt, 16))
    return (retry_after or 0.0) + uniform(0.0, ceiling)
