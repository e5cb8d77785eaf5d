"""A bounded buffer of events for the application."""

import asyncio
from collections import deque
from collections.abc import Callable

from .errors import ConnectionClosedError
from .frames import Frame

Matches = Callable[[Frame], bool]


class Signal:
    """Wakes all tasks that wait for a change. Wake-ups may be spurious: check again."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def fire(self) -> None:
        """Wake all waiting tasks."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds; it is checked now and after each `fire`."""
        while not condition():
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)


class Inbox:
    """A queue of events that can be read in order or by type.

    Args:
        capacity: number of events from which the queue counts as full. The client then reads from
            the socket only for a reply or an event that is waited for.
        limit: number of events that are kept at most, however many have to be read for that.

    Attributes:
        changed: fires when an event is added or removed, or somebody begins to wait for one.
        dropped: number of unread events given up for one that was waited for.
    """

    def __init__(self, capacity: int, limit: int) -> None:
        self.changed = Signal()
        self.dropped = 0
        self._capacity = max(1, capacity)
        self._limit = max(self._capacity, limit)
        self._events: deque[Frame] = deque()
        self._arrived = 0
        # Those that wait, by what they wait for, until such an event has come.
        self._wanted: list[Matches] = []
        self._is_full = False
        self._end: ConnectionClosedError | None = None

    @property
    def full(self) -> bool:
        """Whether no more events should be read, and nobody waits for one to come.

        Once full, the queue stays so until half of it has been taken.
        """
        return self._is_full and not self._wanted

    @property
    def overflowing(self) -> bool:
        """Whether the next event must not be added."""
        return len(self._events) >= self._limit and not self._wanted

    def put(self, event: Frame) -> None:
        """Add an event. At the limit, the oldest one makes room for it."""
        if len(self._events) >= self._limit:
            self._events.popleft()
            self.dropped += 1
        self._events.append(event)
        self._is_full = self._is_full or len(self._events) >= self._capacity
        self._arrived += 1
        self._wanted = [matches for matches in self._wanted if not matches(event)]
        self.changed.fire()

    async def take(self, matches: Matches) -> Frame:
        """Remove and return the oldest event that matches, waiting for one if necessary.

        Raises:
            ConnectionClosedError: no such event is left and the connection is closed.
        """
        while True:
            for index, event in enumerate(self._events):
                if matches(event):
                    del self._events[index]
                    self._taken()
                    return event
            if self._end is not None:
                raise self._end
            await self._arrival(matches)

    def drain(self) -> list[Frame]:
        """Remove and return every event."""
        events = list(self._events)
        self._events.clear()
        self._taken()
        return events

    def close(self, error: ConnectionClosedError) -> None:
        """Raise `error` in readers once the remaining events have been read."""
        self._end = error
        self.changed.fire()

    def _taken(self) -> None:
        self._is_full = self._is_full and len(self._events) > self._capacity // 2
        self.changed.fire()

    async def _arrival(self, matches: Matches) -> None:
        seen = self._arrived
        self._wanted.append(matches)
        self.changed.fire()
        try:
            await self.changed.until(lambda: self._arrived != seen or self._end is not None)
        finally:
            self._wanted = [each for each in self._wanted if each is not matches]
