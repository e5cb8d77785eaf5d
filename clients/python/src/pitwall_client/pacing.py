"""The pace of commands: how fast the server takes them, learned from its refusals. Pure."""

# Commands without a reply at the same time. A server that is suddenly stricter refuses at most
# as many at once; it closes connections that go on regardless.
IN_FLIGHT = 32
# The learned interval is a lower bound of the true one.
MARGIN = 1.05
# A refusal although the pace was kept: the interval was too short by an unknown amount.
SLOWER = 1.1
# Seconds. Less than a server can say; 0 would mean to ask again at once, for ever.
LEAST = 0.001


class Pace:
    """When the next command may go out (generic cell rate algorithm, ITU-T I.371).

    The server's limit is a token bucket whose size and rate it does not announce. A refusal's
    `retry_after` is the time until one token is there, so it never exceeds the interval between
    tokens; the largest one seen is taken for the interval, and each refusal at that pace makes it
    a little longer. The commands accepted before the first
    refusal show the size. Until a refusal comes there is no limit. All times are in seconds.
    """

    def __init__(self) -> None:
        self.interval = 0.0
        self.burst = 0.0
        self._due = 0.0
        self._held_until = 0.0
        self._opened = 0.0
        self._accepted = 0

    def connected(self, now: float) -> None:
        """Begin with a full bucket: a new connection has one."""
        self._opened, self._accepted = now, 0
        self._due = self._held_until = now

    def delay(self, now: float) -> float:
        """Return how long to wait before the next command."""
        early = self._due - self.burst * self.interval
        return max(0.0, early - now, self._held_until - now)

    def sent(self, now: float) -> None:
        """Count a command."""
        self._accepted += 1
        self._due = max(self._due, now) + self.interval

    def refused(self, retry_after: float, now: float, *, whole_connection: bool) -> None:
        """Hold all commands for as long as the server asks, and learn from it.

        Args:
            whole_connection: whether the limit is that of the connection's commands, not one of a
                single action.
        """
        self._accepted -= 1
        retry_after = max(retry_after, LEAST)
        # Commands that were under way together are refused together: that is one lesson.
        kept = now >= self._held_until
        self._held_until = max(self._held_until, now + retry_after)
        if not whole_connection:
            return
        self.interval = max(self.interval * (SLOWER if kept else 1.0), retry_after * MARGIN)
        gained = (now - self._opened) / self.interval
        if not self.burst:
            # Half of what it took: the rest is left to frames that the client sends by itself.
            self.burst = max(0.0, (self._accepted - gained) / 2)
        self._due = max(self._due, now + self.burst * self.interval + retry_after)
