"""Rate limits as clients see them: the fields `RateLimit-Policy` and `RateLimit`.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (version 10). The decision is
in docs/adr/0034.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from rest_framework.throttling import BaseThrottle, SimpleRateThrottle


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit, and what is left of it.

    Args:
        name: the name of the limit in the settings (DEFAULT_THROTTLE_RATES).
        quota: requests in `window` seconds.
        remaining: requests that would be accepted now.
        more_in: seconds until the oldest counted request no longer counts.
    """

    name: str
    quota: int
    window: int
    remaining: int
    more_in: float


def standing_of(throttle: BaseThrottle) -> Standing | None:
    """Return a limit as it is after `throttle` was asked; None if it does not apply.

    The throttle keeps the times of the counted requests, the newest first.
    """
    asked: Any = throttle
    counted = getattr(asked, "history", None)
    if not isinstance(throttle, SimpleRateThrottle) or counted is None:
        return None
    return Standing(
        name=str(asked.scope),
        quota=asked.num_requests,
        window=asked.duration,
        remaining=max(0, asked.num_requests - len(counted)),
        more_in=max(0.0, counted[-1] + asked.duration - asked.now) if counted else 0.0,
    )


def look(throttle: BaseThrottle, request: Any, view: Any) -> None:
    """Ask a throttle without counting the request."""
    if isinstance(throttle, SimpleRateThrottle):
        throttle.throttle_success = lambda: True  # type: ignore[method-assign]
        throttle.allow_request(request, view)


def fields(standings: Collection[Standing]) -> dict[str, str]:
    """Return the response's header fields: all policies, and the limit that will be met first."""
    if not standings:
        return {}
    tightest = min(standings, key=lambda limit: (limit.remaining, -limit.more_in))
    policies = (f'"{limit.name}";q={limit.quota};w={limit.window}' for limit in standings)
    left = f'"{tightest.name}";r={tightest.remaining};t={math.ceil(tightest.more_in)}'
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": left}
