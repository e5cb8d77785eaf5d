"""Limits as plain arithmetic: commands per second, members of a group. Pure; time is passed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` tokens per second.

    https://en.wikipedia.org/wiki/Token_bucket
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one token at `now` (seconds). Returns 0, or the seconds until one is available."""
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.rate

    def remaining(self, now: float) -> int:
        """Return how many commands would be accepted in a row at `now`."""
        return int(min(self.burst, self._tokens + (now - self._at) * self.rate))

    def full_in(self, now: float) -> float:
        """Return the seconds from `now` until a whole burst would be accepted again."""
        missing = self.burst - self._tokens - (now - self._at) * self.rate
        return max(0.0, missing / self.rate)


class Occupancy:
    """Groups and their members. A member counts once in each group, and leaves all at once."""

    def __init__(self) -> None:
        self._members: defaultdict[Hashable, set[object]] = defaultdict(set)
        self._groups: defaultdict[object, set[Hashable]] = defaultdict(set)

    def enter(self, group: Hashable, member: object, limit: int) -> bool:
        """Add `member` to `group` and return true, unless `limit` others are in it already."""
        members = self._members[group]
        if member not in members and len(members) >= limit:
            return False
        members.add(member)
        self._groups[member].add(group)
        return True

    def leave(self, member: object) -> None:
        """Remove `member` from every group; does nothing if it is in none."""
        for group in self._groups.pop(member, ()):
            self._members[group].discard(member)
            if not self._members[group]:
                del self._members[group]

    def count(self, group: Hashable) -> int:
        return len(self._members.get(group, ()))
