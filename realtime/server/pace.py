"""The pace of a transfer: is the peer still moving bytes, or only holding the connection? Pure."""

from __future__ import annotations


class Pace:
    """The deadline of a transfer that has to keep up `rate` bytes per second.

    Every byte that moves puts the deadline off, but never further than `grace` seconds from then: a
    fast beginning earns no right to hold the connection for hours.

    Args:
        rate: bytes per second.
        grace: seconds.
        now: seconds of any monotonic clock.
    """

    __slots__ = ("_deadline", "grace", "rate")

    def __init__(self, rate: float, grace: float, now: float) -> None:
        self.rate = rate
        self.grace = grace
        self._deadline = now + grace

    def moved(self, count: int, now: float) -> None:
        """Note that `count` bytes have moved."""
        self._deadline = min(self._deadline + count / self.rate, now + self.grace)

    def restart(self, now: float) -> None:
        """Begin anew, because it was not the peer that kept the transfer waiting."""
        self._deadline = now + self.grace

    def late(self, now: float) -> bool:
        return now > self._deadline
