"""Turns: which user's work runs next, so that one who is busy does not hold up the others.

Users who wait take turns. A user who has used more processor time than a share may run one thing at
a time, and pauses after slow work while others are active: a thread cannot be interrupted, and as
long as one computes in Python, all other threads and the event loop get on slowly. So what counts
is how much of the time nobody computes. See docs/adr/0032.

Thread-safe. Time is passed in, in seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from realtime.errors import RateLimited

# Users count as active for so long after they last asked for a turn (seconds).
ACTIVE = 2.0
# Shorter work does not disturb others noticeably (seconds of processor time).
SHORT = 0.02
# Processor time that a user may use at once, and most that a user can owe (seconds).
BURST = 0.5
DEBT = 2.0
# Forget idle users once there are more than this.
KEPT = 1000


@dataclass(eq=False, slots=True)
class Turn:
    """A user's turn: it waits, then it runs. `pooled`: in one of the threads that users share."""

    lane: _Lane
    grant: Callable[[], None]
    pooled: bool
    waiting: bool = True


class _Lane:
    """One user's turns, and the processor time that the user has left."""

    __slots__ = ("at", "running", "seen", "slow", "tokens", "waiting")

    def __init__(self, now: float) -> None:
        self.waiting: deque[Turn] = deque()
        self.running = 0
        self.tokens = BURST
        self.at = self.seen = now
        # The latest work was not short, or more was waiting behind it.
        self.slow = False

    def refill(self, share: float, now: float) -> float:
        self.tokens = min(BURST, self.tokens + (now - self.at) * share)
        self.at = now
        return self.tokens


class Turns:
    """The turns of all users in one process.

    Args:
        threads: the number of threads that all users together may occupy.
        share: seconds of processor time that a user may use per second, beyond a burst, before
            others who are active come first.
        most_waiting: the limit of one user's waiting turns.
    """

    def __init__(self, threads: int, share: float, most_waiting: int) -> None:
        self._threads = threads
        self._each = max(1, (threads + 1) // 2)
        self._share = share
        self._most_waiting = most_waiting
        self._running = 0
        # Waiting turns that need none of the threads.
        self._requests = 0
        self._lanes: dict[int, _Lane] = {}
        self._queue: deque[_Lane] = deque()
        self._lock = Lock()

    def ask(
        self,
        user: int,
        grant: Callable[[], None],
        now: float,
        *,
        pooled: bool = True,
        refuse: bool = True,
    ) -> Turn:
        """Ask for a turn; `grant` is called when it comes, from any thread, perhaps at once.

        Args:
            refuse: false: wait however many turns of the user wait already.

        Raises:
            RateLimited: too many turns of this user wait.
        """
        with self._lock:
            lane = self._lanes.get(user)
            if lane is None:
                lane = self._lanes[user] = self._new(now)
            lane.seen = now
            turn = Turn(lane, grant, pooled)
            if not lane.waiting and self._may_start(turn, now):
                self._start(turn)
            else:
                if refuse and len(lane.waiting) >= self._most_waiting:
                    raise RateLimited(
                        "Too much that you have asked for is waiting: wait for some answers first.",
                        retry_after=1,
                    )
                if not lane.waiting:
                    self._queue.append(lane)
                lane.waiting.append(turn)
                self._requests += not pooled
        if not turn.waiting:
            grant()
        return turn

    def done(self, turn: Turn, used: float, now: float) -> None:
        """End a turn that ran, after `used` seconds of processor time; the next ones start."""
        with self._lock:
            lane = turn.lane
            lane.running -= 1
            self._running -= turn.pooled
            lane.slow = used > SHORT or bool(lane.waiting)
            self._charge(lane, used, now, owes=lane.slow)
        self.advance(now)

    def charge(self, user: int, used: float, now: float) -> None:
        """Count processor time that was used for a user outside of a turn."""
        with self._lock:
            if (lane := self._lanes.get(user)) is not None:
                self._charge(lane, used, now, owes=True)

    def withdraw(self, turn: Turn, now: float) -> None:
        """End a turn that is not wanted any more and has not run: nobody waits for it."""
        with self._lock:
            waiting = turn.waiting
            if waiting:
                turn.lane.waiting.remove(turn)
                self._requests -= not turn.pooled
                if not turn.lane.waiting:
                    self._queue.remove(turn.lane)
        if not waiting:
            self.done(turn, 0.0, now)

    def advance(self, now: float) -> None:
        """Start what may start now. Call it when time has passed, too."""
        granted: list[Turn] = []
        with self._lock:
            if self._running >= self._threads and not self._requests:
                return
            served: list[_Lane] = []
            for lane in list(self._queue):
                if self._running >= self._threads and not self._requests:
                    break
                if self._may_start(lane.waiting[0], now):
                    turn = lane.waiting.popleft()
                    self._requests -= not turn.pooled
                    self._start(turn)
                    granted.append(turn)
                    served.append(lane)
            # Those who were served go to the end; the others keep their places.
            for lane in served:
                self._queue.remove(lane)
                if lane.waiting:
                    self._queue.append(lane)
        for turn in granted:
            turn.grant()

    def pause(self, turn: Turn, now: float) -> float:
        """Return the seconds until a waiting turn's user has processor time left."""
        with self._lock:
            return max(0.0, -turn.lane.refill(self._share, now) / self._share)

    def _may_start(self, turn: Turn, now: float) -> bool:
        lane = turn.lane
        if turn.pooled and self._running >= self._threads:
            return False
        left = lane.refill(self._share, now)
        if left > BURST / 2 or not self._others_are_active(lane, now):
            return lane.running < self._each
        polite = not lane.slow and len(lane.waiting) <= 1
        return lane.running == 0 and (left > 0 or polite)

    def _others_are_active(self, lane: _Lane, now: float) -> bool:
        others = self._lanes.values()
        return any(other.seen > now - ACTIVE for other in others if other is not lane)

    def _start(self, turn: Turn) -> None:
        turn.waiting = False
        turn.lane.running += 1
        self._running += turn.pooled

    def _charge(self, lane: _Lane, used: float, now: float, *, owes: bool) -> None:
        left = lane.refill(self._share, now) - used
        lane.tokens = max(left, -DEBT if owes else min(0.0, lane.tokens))

    def _new(self, now: float) -> _Lane:
        if len(self._lanes) > KEPT:
            self._lanes = {
                user: lane
                for user, lane in self._lanes.items()
                if lane.running or lane.waiting or lane.refill(self._share, now) < BURST
            }
        return _Lane(now)
