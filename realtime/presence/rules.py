"""Whether somebody is present, decided from what processes say of it. Pure; times passed in.

Processes, not connections, hold a user's presence: each knows its own connections, and whether a
process is alive is known of it as a whole. So a crashed one needs no tidying up.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

# For how long somebody whose last connection is gone still counts: a page that is loaded again,
# a train in a tunnel.
GRACE = 10.0

# Process id → None while it has a connection of the user, else until when (epoch seconds) its
# word still counts.
Holders = Mapping[str, float | None]


def entered(holders: Holders, process_id: str) -> dict[str, float | None]:
    """The process has a connection of the user."""
    return {**holders, process_id: None}


def left(holders: Holders, process_id: str, now: float) -> dict[str, float | None]:
    """The process has none any more; those of others, and the grace, are not touched by it."""
    if holders.get(process_id, 0.0) is not None:
        return dict(holders)
    return {**holders, process_id: now + GRACE}


def settled(holders: Holders, alive: Set[str], now: float) -> dict[str, float | None]:
    """What counts at `now`: dead processes have left, and whose time is over is out."""
    after = dict(holders)
    for process_id in holders:
        if process_id not in alive:
            after = left(after, process_id, now)
    return {name: until for name, until in after.items() if until is None or until > now}


def check_at(holders: Holders) -> float | None:
    """When the next of them runs out; None while nothing will change by itself."""
    return min((until for until in holders.values() if until is not None), default=None)
