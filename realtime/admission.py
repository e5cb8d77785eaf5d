"""How many sockets this process has, in all, from one address and of one user.

Counted by who is in, never by adding and subtracting: whatever ends a socket, its place is given
back as a whole, and giving it back twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from django.conf import settings

from realtime.limits import Occupancy, address_block


@dataclass(frozen=True)
class Refusal:
    """Why a socket is not let in: the HTTP status that its upgrade is answered with."""

    status: int
    reason: str


class Place:
    """What one socket takes up, from before its upgrade is answered until it is gone."""

    def __init__(self, occupancy: Occupancy) -> None:
        self._occupancy = occupancy

    def enter(self, address: str) -> Refusal | None:
        """Take up room in the process, and for the client's address where it is known."""
        if not self._take("process", "max_connections"):
            return Refusal(503, "This server is full.")
        if address and not self._take(
            ("address", address_block(address)), "max_connections_per_address"
        ):
            return Refusal(429, "Too many connections from this address.")
        return None

    def enter_as(self, user_id: int) -> Refusal | None:
        """Take up room among the user's sockets."""
        if not self._take(("user", user_id), "max_connections_per_user"):
            return Refusal(429, "Too many connections of this user.")
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
