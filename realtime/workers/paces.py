"""Paces: they decide when a worker's next step is due."""

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
    """The source that `OnWake` waits for: an inbox (workers.inbox), announced on its group."""

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
    """Steps at once, then every `seconds`, from the start of one step to the start of the next.

    After a step that takes longer, the next one follows at once.
    """

    seconds: float

    async def ticks(self, stopping: asyncio.Event) -> AsyncGenerator[int, None]:
        while not stopping.is_set():
            began = time.monotonic()
            yield int(time.time())
            await pause(self.seconds - (time.monotonic() - began), stopping)


@dataclass(frozen=True)
class Aligned(Pace):
    """Steps on whole multiples of `seconds` by the wall clock; the multiple is the step's tick.

    Skips a multiple that passes during a step, and never yields the same one twice in a row.
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
    """Steps at once, then on each wake-up of `inbox`, or after `within` seconds without one.

    The timeout covers lost wake-ups. It is also how often an idle worker polls the database.
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
                woken.clear()  # before the step: a wake-up during the step triggers the next one
                yield int(time.time())
                await pause(self.within, woken)
        finally:
            ending.cancel()
            await listener.remove(self.inbox.group, wake)


async def pause(seconds: float, until: asyncio.Event) -> None:
    """Sleep for `seconds` or until the event is set; always lets other tasks run."""
    if seconds <= 0 or until.is_set():
        await asyncio.sleep(0)
        return
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        pass
