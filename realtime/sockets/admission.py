"""Admission of a principal: by the credentials of the upgrade, or by those of the first frame.

Both ways go through `admit()` and then Hub.register(). A revocation may arrive between the two, so
the second checks what was revoked since the lookup began.

Sockets are counted per process: in total, by address and by user. The counts come from sets of
members, never from adding and subtracting: however a socket ends, its place is released as a whole,
and releasing it twice changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable
from dataclasses import dataclass

from django.conf import settings

from realtime.addresses import address_block
from realtime.auth import Credentials, Principal, authenticator
from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.hub import Hub
from realtime.sessions import endings
from realtime.sessions.endings import Ending
from realtime.sessions.session_lookup import FoundLogin
from realtime.sockets import handshake
from realtime.sockets.limits import Occupancy

logger = logging.getLogger(__name__)


class Slots:
    """The slots that one socket takes, from before its upgrade is answered until it is gone."""

    def __init__(self, occupancy: Occupancy) -> None:
        self._occupancy = occupancy

    def enter(self, address: str) -> Ending | None:
        """Take a slot in the process, and one for the client's address if that is known."""
        if not self._take("process", "max_connections"):
            return endings.PROCESS_FULL
        if address and not self._take(
            ("address", address_block(address)), "max_connections_per_address"
        ):
            return endings.ADDRESS_FULL
        return None

    def enter_as(self, user_id: int) -> Ending | None:
        """Take a slot among the user's sockets."""
        if not self._take(("user", user_id), "max_connections_per_user"):
            return endings.USER_FULL
        return None

    def leave(self) -> None:
        """Release all slots."""
        self._occupancy.leave(self)

    def _take(self, key: Hashable, limit: str) -> bool:
        return self._occupancy.enter(key, self, int(settings.REALTIME_LIMITS[limit]))


occupancy = Occupancy()


def place() -> Slots:
    """Create a place in this process for a socket that asks to be let in."""
    return Slots(occupancy)


@dataclass(frozen=True, slots=True)
class Admission:
    """The principal of a socket (None: not known yet), or the reason why it is not let in.

    `at` is when the lookup began (monotonic seconds).
    """

    at: float
    principal: Principal | None = None
    ending: Ending | None = None


async def admit(hub: Hub, place: Slots, shown: Credentials) -> Admission:
    """Look up the principal of these credentials, and take a slot among that user's sockets.

    A refusal takes no slot. Empty credentials are admitted without a principal.
    """
    if not handshake.shows_anything(shown):
        return Admission(time.monotonic())
    began = time.monotonic()
    try:
        login = await _look_up(hub, shown)
    except DATABASE_AWAY as error:
        logger.warning("Nobody can be authenticated: %s", error)
        return Admission(began, ending=endings.CANNOT_CHECK)
    principal = login.principal
    if principal is None:
        return Admission(login.at, ending=endings.BAD_CREDENTIALS)
    ending = hub.revocations.since(login.at, principal) or place.enter_as(principal.user_id)
    if ending is not None:
        return Admission(login.at, ending=ending)
    return Admission(login.at, principal)


async def _look_up(hub: Hub, shown: Credentials) -> FoundLogin:
    if shown.session_key is not None:
        return await hub.logins.find(shown)
    # Not cached: a ticket is valid for one socket, and each use of a token is recorded.
    began = time.monotonic()
    return FoundLogin(await threads.call(authenticator(), shown), began)
