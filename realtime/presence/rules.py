"""Rules that decide, from what processes report, whether a user is present. Pure; times passed in.

Processes, not connections, hold a user's presence: each process knows its own connections, and is
itself alive or dead as a whole. So nothing needs cleaning up after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

# Seconds for which a user still counts after their last connection is gone: a page reload, a train
# in a tunnel.
GRACE = 10.0

# Process id → None while it has a connection of the user, else the time (epoch seconds) until which
# it still counts.
Holders = Mapping[str, float | None]


def entered(holders: Holders, process_id: str) -> dict[str, float | None]:
    """Record that the process has a connection of the user."""
    return {**holders, process_id: None}


def left(holders: Holders, process_id: str, now: float) -> dict[str, float | None]:
    """Record that the process has none any more; changes no other entry, and no running grace."""
    if holders.get(process_id, 0.0) is not None:
        return dict(holders)
    return {**holders, process_id: now + GRACE}


def settled(holders: Holders, alive: Set[str], now: float) -> dict[str, float | None]:
    """Return what counts at `now`: dead processes have left, and expired entries are gone."""
    after = dict(holders)
    for process_id in holders:
        if process_id not in alive:
            after = left(after, process_id, now)
    return {name: until for name, until in after.items() if until is None or until > now}


def check_at(holders: Holders) -> float | None:
    """Return when the next entry expires; None while nothing will change by itself."""
    return min((until for until in holders.values() if until is not None), default=None)
