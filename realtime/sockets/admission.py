"""Letting a principal in: by the upgrade's credentials, or by those of the first frame.

Both ways go through `admit()` and then Hub.register(). Between the two a revocation may arrive,
so the second looks once more at what was revoked since the look-up began.

Sockets are counted in this process, in all, by address and by user. They are counted by who is in,
never by adding and subtracting: whatever ends a socket, its place is given back as a whole, and
giving it back twice changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable
from dataclasses import dataclass

from django.conf import settings

from realtime.auth import Credentials, Principal, authenticator
from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.hub import Hub
from realtime.sessions import endings
from realtime.sessions.endings import Ending
from realtime.sessions.session_lookup import Login
from realtime.sockets import handshake
from realtime.sockets.limits import Occupancy, address_block

logger = logging.getLogger(__name__)


class Place:
    """What one socket takes up, from before its upgrade is answered until it is gone."""

    def __init__(self, occupancy: Occupancy) -> None:
        self._occupancy = occupancy

    def enter(self, address: str) -> Ending | None:
        """Take up room in the process, and for the client's address where it is known."""
        if not self._take("process", "max_connections"):
            return endings.PROCESS_FULL
        if address and not self._take(
            ("address", address_block(address)), "max_connections_per_address"
        ):
            return endings.ADDRESS_FULL
        return None

    def enter_as(self, user_id: int) -> Ending | None:
        """Take up room among the user's sockets."""
        if not self._take(("user", user_id), "max_connections_per_user"):
            return endings.USER_FULL
        return None

    def leave(self) -> None:
        """Give back all of it."""
        self._occupancy.leave(self)

    def _take(self, key: Hashable, limit: str) -> bool:
        return self._occupancy.enter(key, self, int(settings.REALTIME_LIMITS[limit]))


occupancy = Occupancy()


def place() -> Place:
    """A place in this process for a socket that asks to be let in."""
    return Place(occupancy)


@dataclass(frozen=True, slots=True)
class Admission:
    """Whose socket it is (None: not known yet), or why it is not let in.

    `at` is when the look-up began (monotonic seconds).
    """

    at: float
    principal: Principal | None = None
    ending: Ending | None = None


async def admit(hub: Hub, place: Place, shown: Credentials) -> Admission:
    """Look up who shows these credentials, and take up a place among that user's sockets.

    A refusal takes up nothing. Credentials that show nothing are admitted as nobody.
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


async def _look_up(hub: Hub, shown: Credentials) -> Login:
    if shown.session_key is not None:
        return await hub.logins.find(shown)
    # Not kept: a ticket is good for one socket, and each use of a token is noted.
    began = time.monotonic()
    return Login(await threads.call(authenticator(), shown), began)
