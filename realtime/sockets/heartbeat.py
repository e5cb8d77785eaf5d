"""Heartbeats: when one is due, and when a silent connection is dead. Pure; time passed in."""

from __future__ import annotations

# At most 30 s on the wire (docs/protocol/staying-connected.md): the sweep for due connections runs
# about once a second.
MAX_INTERVAL = 28.5
MIN_INTERVAL = 10.0
# Share of the timeout, so that an answer to the last heartbeat still comes in time.
SHARE_OF_TIMEOUT = 2 / 3
# Seconds of a round trip (plus four deviations) that count as much as losing every heartbeat.
BAD_ROUND_TRIP = 2.0
# Heartbeats that may still be answered; older ones are forgotten.
MAX_OUTSTANDING = 4
LOSS_WEIGHT = 0.25


class RoundTrip:
    """Smoothed round trip and its deviation, in seconds (RFC 6298, section 2)."""

    __slots__ = ("deviation", "smoothed")

    def __init__(self) -> None:
        self.smoothed: float | None = None
        self.deviation = 0.0

    def measured(self, seconds: float) -> None:
        if self.smoothed is None:
            self.smoothed, self.deviation = seconds, seconds / 2
            return
        self.deviation += (abs(self.smoothed - seconds) - self.deviation) / 4
        self.smoothed += (seconds - self.smoothed) / 8

    @property
    def upper(self) -> float:
        """A bound that nearly all round trips stay below; 0 before the first."""
        return 0.0 if self.smoothed is None else self.smoothed + 4 * self.deviation


class HeartbeatTimer:
    """The deadlines of one connection, in seconds of any monotonic clock.

    Args:
        interval: the configured time between heartbeats, at most MAX_INTERVAL. The actual interval
            goes down to 10 s on a connection that is slow or loses heartbeats, and up to
            MAX_INTERVAL when the server is busy.
        timeout: silence after which the peer counts as gone.
        authenticate_within: seconds that an anonymous peer has to authenticate.
    """

    __slots__ = (
        "_answers",
        "_base",
        "_outstanding",
        "authenticate_by",
        "heard_at",
        "interval",
        "loss",
        "next_at",
        "round_trip",
        "timeout",
    )

    def __init__(
        self, now: float, interval: float, timeout: float, authenticate_within: float | None = None
    ) -> None:
        self._base = min(interval, MAX_INTERVAL, timeout * SHARE_OF_TIMEOUT)
        self.interval = self._base
        self.timeout = timeout
        self.heard_at = now
        self.next_at = now + self.interval
        self.authenticate_by = None if authenticate_within is None else now + authenticate_within
        self.round_trip = RoundTrip()
        self.loss = 0.0
        self._outstanding: dict[str, float] = {}
        self._answers = False

    def heard(self, now: float) -> None:
        """Note a sign of life: any frame from the peer."""
        self.heard_at = now

    def authenticated(self) -> None:
        """Cancel the deadline to authenticate: the peer has done so."""
        self.authenticate_by = None

    def due(self, now: float, load: float = 0.0) -> bool:
        """Return whether to send a heartbeat now; if so, schedule the next one.

        `load`: how busy the server is, from 0 to 1.
        """
        if now < self.next_at:
            return False
        self._adapt(load)
        self.next_at = now + self.interval
        return True

    def sent(self, now: float, stamp: str) -> None:
        """Note that a heartbeat with the timestamp `stamp` has been written."""
        if self._answers and self._outstanding:
            self._count(lost=True)
        self._outstanding[stamp] = now
        if len(self._outstanding) > MAX_OUTSTANDING:
            del self._outstanding[next(iter(self._outstanding))]

    def acknowledged(self, now: float, stamp: str | None) -> None:
        """Note an answer to the heartbeat with that timestamp, or (None) to the newest one.

        An answer to an unknown heartbeat is a sign of life and nothing more.
        """
        if stamp is None and self._outstanding:
            stamp = next(reversed(self._outstanding))
        if stamp not in self._outstanding:
            return
        self.round_trip.measured(max(0.0, now - self._outstanding[stamp]))
        # Frames come in order: heartbeats sent before this one will not be answered any more.
        while (oldest := next(iter(self._outstanding))) != stamp:
            del self._outstanding[oldest]
        del self._outstanding[stamp]
        self._answers = True
        self._count(lost=False)

    def silent(self, now: float) -> bool:
        return now - self.heard_at > self.timeout

    def too_late_to_authenticate(self, now: float) -> bool:
        return self.authenticate_by is not None and now > self.authenticate_by

    def _count(self, *, lost: bool) -> None:
        self.loss += (lost - self.loss) * LOSS_WEIGHT

    def _adapt(self, load: float) -> None:
        load = min(1.0, max(0.0, load))
        trouble = min(1.0, self.loss + self.round_trip.upper / BAD_ROUND_TRIP)
        longest = min(MAX_INTERVAL, max(self._base, self.timeout * SHARE_OF_TIMEOUT))
        shortest = min(MIN_INTERVAL, self._base)
        # A busy server makes answers slow by itself: then they say little about the connection.
        shorter = (self._base - shortest) * trouble * (1 - load)
        longer = (longest - self._base) * load
        self.interval = min(longest, max(shortest, self._base + longer - shorter))
