"""What ends sockets from outside: a session that ended, rights that changed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from realtime.auth import Principal
from realtime.protocol import CloseCode

# By the command that realtime.auth publishes: close code and reason.
ENDINGS = {
    "revoke": (CloseCode.REVOKED, "This session has ended."),
    "disconnect": (CloseCode.NORMAL, "Closed by an administrator."),
    "reauthorize": (CloseCode.RIGHTS_CHANGED, "Your rights have changed: connect again."),
}


@dataclass(frozen=True)
class Ending:
    """A revocation: which principals it concerns, and how their sockets are closed."""

    at: float
    code: CloseCode
    reason: str
    criteria: dict[str, Any]
    retry_after: float | None = None


def going_away() -> Ending:
    """The process ends: everybody is told to come back at a moment of their own."""
    return Ending(
        time.monotonic(),
        CloseCode.GOING_AWAY,
        "The server is restarting.",
        {},
        retry_after=round(random.uniform(0.5, 3.0), 2),
    )


def concerns(ending: Ending, client_id: str, principal: Principal | None) -> bool:
    """Whether the socket of that client id and principal is to be closed."""
    if "client_id" in ending.criteria:
        return bool(ending.criteria["client_id"] == client_id)
    return matches(principal, ending.criteria)


def matches(principal: Principal | None, criteria: Mapping[str, Any]) -> bool:
    """Whether a socket's principal has all of these values; an anonymous socket never does."""
    return principal is not None and all(
        getattr(principal, name) == value for name, value in criteria.items()
    )
