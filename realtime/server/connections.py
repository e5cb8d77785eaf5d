"""The HTTP connections of this process, limited in all and by address.

Sockets are counted apart, once their upgrade has been answered (realtime.sockets.admission): most
of them are idle for good reason, while an idle HTTP connection can be closed at any time.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache
from typing import Protocol

from django.conf import settings

from realtime.addresses import address_block
from realtime.server.refusals import Refusal

RETRY_AFTER = 5
# Refused connections that may read why for a moment; more are cut off without a word.
MAX_TURNED_AWAY = 32
PROCESS_FULL = Refusal(503, "unavailable", "This server is full.", RETRY_AFTER)
ADDRESS_FULL = Refusal(429, "rate_limited", "Too many connections from this address.", RETRY_AFTER)


class Member(Protocol):
    """An HTTP connection. `idle_since` (seconds) is None while a request is under way."""

    idle_since: float | None

    def drop(self) -> None:
        """Close the connection without an answer."""


class Connections:
    """Counts connections. Where there is no room, the one that is idle for longest makes room."""

    def __init__(self) -> None:
        self._blocks: dict[Member, str] = {}
        self._by_block: defaultdict[str, set[Member]] = defaultdict(set)
        self._turned_away: set[Member] = set()

    def __len__(self) -> int:
        return len(self._blocks)

    def enter(self, member: Member, address: str) -> Refusal | None:
        """Count a new connection from `address` (empty: not known), or say why it is refused.

        Connections of trusted proxies are those of many people: they count only in all.
        """
        limits = settings.REALTIME_LIMITS
        block = "" if not address or _trusted(address) else address_block(address)
        others = self._by_block[block]
        most = limits["max_http_connections_per_address"] if block else float("inf")
        if len(others) >= most and not self._make_room(others):
            return ADDRESS_FULL
        if len(self) >= limits["max_http_connections"]:
            # Whoever has the most is the first to give some up.
            largest = max(self._by_block.values(), key=len)
            if not (self._make_room(largest) or self._make_room(self._blocks.keys())):
                return PROCESS_FULL
        self._blocks[member] = block
        self._by_block[block].add(member)
        return None

    def turn_away(self, member: Member) -> bool:
        """Return whether a refused connection may stay for as long as its answer takes."""
        if len(self._turned_away) >= MAX_TURNED_AWAY:
            return False
        self._turned_away.add(member)
        return True

    def leave(self, member: Member) -> None:
        """Count the connection no more; does nothing if it is not counted."""
        self._turned_away.discard(member)
        block = self._blocks.pop(member, None)
        if block is not None:
            self._by_block[block].discard(member)
            if not self._by_block[block]:
                del self._by_block[block]

    def _make_room(self, among: Collection[Member]) -> bool:
        idle = [(member.idle_since, id(member), member) for member in among]
        waiting = [each for each in idle if each[0] is not None]
        if not waiting:
            return False
        _, _, oldest = min(waiting)
        self.leave(oldest)
        oldest.drop()
        return True


@lru_cache(maxsize=4096)
def _trusted(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    networks = (ipaddress.ip_network(each) for each in settings.TRUSTED_PROXIES)
    return any(parsed in network for network in networks)
