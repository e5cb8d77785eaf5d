"""When a connection is due a heartbeat, and when its silence is a death. Pure; time passed in."""

from __future__ import annotations

MAX_INTERVAL = 30.0


class Heartbeat:
    """The deadlines of one connection, in seconds of any monotonic clock.

    Args:
        interval: between heartbeats, at most 30 s (docs/protocol.md).
        timeout: silence after which the peer counts as gone.
        authenticate_within: seconds that an anonymous peer has to say who it is.
    """

    __slots__ = ("authenticate_by", "heard_at", "interval", "next_at", "timeout")

    def __init__(
        self, now: float, interval: float, timeout: float, authenticate_within: float | None = None
    ) -> None:
        self.interval = min(interval, MAX_INTERVAL)
        self.timeout = timeout
        self.heard_at = now
        self.next_at = now + self.interval
        self.authenticate_by = None if authenticate_within is None else now + authenticate_within

    def heard(self, now: float) -> None:
        """Any frame from the peer is a sign of life."""
        self.heard_at = now

    def authenticated(self) -> None:
        """The peer has said who it is: that deadline is off."""
        self.authenticate_by = None

    def due(self, now: float) -> bool:
        """Whether a heartbeat is to be sent now; if so, the next one is set."""
        if now < self.next_at:
            return False
        self.next_at = now + self.interval
        return True

    def silent(self, now: float) -> bool:
        return now - self.heard_at > self.timeout

    def too_late_to_authenticate(self, now: float) -> bool:
        return self.authenticate_by is not None and now > self.authenticate_by
