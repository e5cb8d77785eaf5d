"""When a worker's next step is due."""

from __future__ import annotations

import asyncio
import math
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from realtime.workers import wakeups


class Woken(Protocol):
    """What `OnWake` waits for: an inbox (realtime.workers.inbox), announced on its group."""

    name: str
    group: str
    shared: bool


class Pace(ABC):
    """The rhythm of a worker's steps."""

    @abstractmethod
    def ticks(self, stopping: asyncio.Event) -> AsyncGenerator[int, None]:
        """Yield the tick (epoch seconds) of each step when it is due, until `stopping`."""


@dataclass(frozen=True)
class Every(Pace):
    """At once, then `seconds` from the start of one step to the start of the next.

    A step that takes longer is followed at once by the next.
    """

    seconds: float

    async def ticks(self, stopping: asyncio.Event) -> AsyncGenerator[int, None]:
        while not stopping.is_set():
            began = time.monotonic()
            yield int(time.time())
            await pause(self.seconds - (time.monotonic() - began), stopping)


@dataclass(frozen=True)
class Aligned(Pace):
    """On whole multiples of `seconds` by the wall clock, which is each step's tick.

    A multiple that passes during a step is skipped, and none comes twice in a row.
    """

    seconds: int = 1

    async def ticks(self, stopping: asyncio.Event) -> AsyncGenerator[int, None]:
        last = 0
        while not stopping.is_set():
            target = self._multiple() + self.seconds
            if target == last:  # the clock was set back, or a timer was early
                target += self.seconds
            while (wait := target - time.time()) > 0 and not stopping.is_set():
                await pause(min(wait, 1.0), stopping)
            if not stopping.is_set():
                last = self._multiple()
                yield last

    def _multiple(self) -> int:
        return math.floor(time.time() / self.seconds) * self.seconds


@dataclass(frozen=True)
class OnWake(Pace):
    """At once, then as soon as `inbox` has something; `within` seconds later when nobody says so.

    That happens when the wake-up is lost, and when nothing has come: it is also how often an idle
    worker asks the database.
    """

    inbox: Woken
    within: float = 0.25

    async def ticks(self, stopping: asyncio.Event) -> AsyncGenerator[int, None]:
        woken = asyncio.Event()

        def wake(_: object) -> None:
            woken.set()

        async def wake_at_the_end() -> None:
            await stopping.wait()
            woken.set()

        listener = await wakeups.get_listener()
        ending = asyncio.get_running_loop().create_task(wake_at_the_end())
        await listener.add(self.inbox.group, wake)
        try:
            while not stopping.is_set():
                woken.clear()  # before the step: what comes during it is for the next one
                yield int(time.time())
                await pause(self.within, woken)
        finally:
            ending.cancel()
            await listener.remove(self.inbox.group, wake)


async def pause(seconds: float, until: asyncio.Event) -> None:
    """Sleep so long, or until the event is set; always lets other tasks run."""
    if seconds <= 0 or until.is_set():
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        pass
