"""When to connect again: pure decisions, time and randomness passed in."""

from collections.abc import Callable

FIRST_CEILING = 0.5
LAST_CEILING = 20.0

# Codes after which the same client would only be refused again.
FINAL_CODES = frozenset({1000, 1003, 1007, 1008, 1009})


def is_final(code: int | None) -> bool:
    """Tell whether a close code means: stop. None is a connection that broke without one."""
    return code is not None and (code in FINAL_CODES or 4500 <= code <= 4999)


def delay(
    attempt: int,
    retry_after: float | None,
    uniform: Callable[[float, float], float],
) -> float:
    """Return the seconds to wait before the next attempt, with full jitter.

    Args:
        attempt: failures in a row so far, from 0.
        retry_after: seconds the server asked to stay away. The jitter comes on top, so that the
            clients of one drained server do not all come back in the same moment.
        uniform: `random.uniform` or a stand-in.
    """
    # The exponent is capped too: 2.0**1024 would overflow on a client that waits for days.
    ceiling = min(LAST_CEILING, FIRST_CEILING * 2.0 ** min(attempt, 16))
    return (retry_after or 0.0) + uniform(0.0, ceiling)
