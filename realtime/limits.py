"""A token bucket: so many commands a second, with a burst. Pure; time is passed in."""

from __future__ import annotations


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` of them a second.

    https://en.wikipedia.org/wiki/Token_bucket
    """

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one token at `now` (seconds): 0, or the seconds until one will be there."""
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.rate

    def remaining(self, now: float) -> int:
        """How many commands would be taken at once at `now`."""
        return int(min(self.burst, self._tokens + (now - self._at) * self.rate))

    def full_in(self, now: float) -> float:
        """Seconds from `now` until a whole burst would be taken again."""
        missing = self.burst - self._tokens - (now - self._at) * self.rate
        return max(0.0, missing / self.rate)
