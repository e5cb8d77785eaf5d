"""Endings: why a socket is rejected or closed, as one type, and those that are used repeatedly."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from realtime.auth import Principal
from realtime.protocol import CloseCode

# Seconds after which a client may retry if the server had no capacity for it.
RETRY_AFTER = 5


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a socket as the client sees it.

    docs/protocol/limits-and-errors.md has the close codes and the client's reactions.

    Args:
        code: the close code of an open socket.
        reason: one sentence, shown to the user unchanged.
        retry_after: seconds after which the client may connect again.
        status: the HTTP status of an upgrade that has not been answered. Without one the upgrade
            is accepted, so that the client gets the close code.
    """

    code: CloseCode
    reason: str
    retry_after: float | None = None
    status: int | None = None


NO_ENDPOINT = Ending(CloseCode.UNAUTHENTICATED, "There is no such endpoint.", status=404)
FOREIGN_ORIGIN = Ending(
    CloseCode.UNAUTHENTICATED, "Pages of this origin may not connect.", status=403
)
DRAINING = Ending(CloseCode.OVERLOADED, "The server is going away.", RETRY_AFTER, 503)
PROCESS_FULL = Ending(CloseCode.OVERLOADED, "This server is full.", RETRY_AFTER, 503)
ADDRESS_FULL = Ending(
    CloseCode.OVERLOADED, "Too many connections from this address.", RETRY_AFTER, 429
)
USER_FULL = Ending(CloseCode.OVERLOADED, "Too many connections of this user.", RETRY_AFTER, 429)
CANNOT_CHECK = Ending(CloseCode.OVERLOADED, "The server cannot check who you are: try again.")
BAD_CREDENTIALS = Ending(CloseCode.UNAUTHENTICATED, "These credentials are not valid.")
NO_CREDENTIALS = Ending(CloseCode.UNAUTHENTICATED, "Nobody said who this is in time.")
SILENT = Ending(CloseCode.SILENT, "Nothing was heard from this client.")
REVOKED = Ending(CloseCode.REVOKED, "This session has ended.")
TOKEN_EXPIRED = Ending(
    CloseCode.TOKEN_EXPIRED, "The access token has expired: get another one, then connect again."
)
RIGHTS_CHANGED = Ending(CloseCode.RIGHTS_CHANGED, "Your rights have changed: connect again.")

# Endings by the control command that realtime.auth publishes.
BY_COMMAND = {
    "revoke": REVOKED,
    "disconnect": Ending(CloseCode.NORMAL, "Closed by an administrator."),
    "reauthorize": RIGHTS_CHANGED,
}


def going_away() -> Ending:
    """Return the ending for a shutdown, with a random delay that spreads the reconnections."""
    retry_after = round(random.uniform(0.5, 3.0), 2)
    return Ending(CloseCode.GOING_AWAY, "The server is restarting.", retry_after)


def flooding(retry_after: float) -> Ending:
    """Return the ending of a client that goes on beyond the limit of commands and pings."""
    reason = "Commands went on and on beyond the limit."
    return Ending(CloseCode.FLOODING, reason, retry_after)


def of_expired(principal: Principal) -> Ending:
    """Return the ending of a login whose token has expired: final unless it can be refreshed."""
    return REVOKED if principal.refresh_id is None else TOKEN_EXPIRED


def matches(principal: Principal | None, criteria: Mapping[str, Any]) -> bool:
    """Return True if a socket's principal has all of these values; an anonymous socket has none."""
    return principal is not None and all(
        getattr(principal, name) == value for name, value in criteria.items()
    )
