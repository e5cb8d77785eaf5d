"""A bounded buffer of events for the application."""

import asyncio
from collections import deque
from collections.abc import Callable

from .errors import ConnectionClosedError
from .frames import Frame


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
        capacity: number of events kept. `put` waits while the queue is full, and the socket is
            not read during that time.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._events: deque[Frame] = deque()
        self._arrived = 0
        self._signal = Signal()
        self._end: ConnectionClosedError | None = None

    async def put(self, event: Frame) -> None:
        """Add an event as soon as there is room for it."""
        await self._signal.until(lambda: len(self._events) < self._capacity)
        self._events.append(event)
        self._arrived += 1
        self._signal.fire()

    async def take(self, matches: Callable[[Frame], bool]) -> Frame:
        """Remove and return the oldest event that matches, waiting for one if necessary.

        Raises:
            ConnectionClosedError: no such event is left and the connection is closed.
        """
        while True:
            for index, event in enumerate(self._events):
                if matches(event):
                    del self._events[index]
                    self._signal.fire()
                    return event
            if self._end is not None:
                raise self._end
            if len(self._events) >= self._capacity:
                # While a caller waits for this type, nothing reads the others: drop the oldest.
                self._events.popleft()
                self._signal.fire()
            await self._changed()

    def drain(self) -> list[Frame]:
        """Remove and return every event."""
        events = list(self._events)
        self._events.clear()
        self._signal.fire()
        return events

    def close(self, error: ConnectionClosedError) -> None:
        """Raise `error` in readers once the remaining events have been read."""
        self._end = error
        self._signal.fire()

    async def _changed(self) -> None:
        seen = self._arrived
        await self._signal.until(lambda: self._arrived != seen or self._end is not None)
