"""The load of this process, measured by the lag of its event loop."""

from __future__ import annotations

import asyncio
import time

INTERVAL = 0.25
# Lag in seconds at which the process counts as fully busy.
FULL = 0.2
WEIGHT = 0.2


class LoopLag:
    """The smoothed lag of timers, in seconds."""

    def __init__(self) -> None:
        self.lag = 0.0

    def observe(self, late: float) -> None:
        """Record a timer that fired `late` seconds late."""
        self.lag += (max(0.0, late) - self.lag) * WEIGHT

    @property
    def load(self) -> float:
        """The load from 0 (timers are on time) to 1 (late by `FULL` or more)."""
        return min(1.0, self.lag / FULL)

    async def measure(self) -> None:
        """Measure the lag until cancelled."""
        while True:
            expected = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.observe(time.monotonic() - expected)


loop_lag = LoopLag()
