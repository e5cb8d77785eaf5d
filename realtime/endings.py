"""What ends sockets from outside: a session that ended, rights that changed."""

from __future__ import annotations

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
