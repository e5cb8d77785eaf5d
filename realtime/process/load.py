"""How busy this process is: by how much its event loop is late."""

from __future__ import annotations

import asyncio
import time

INTERVAL = 0.25
# Lateness at which the process counts as fully busy.
FULL = 0.2
WEIGHT = 0.2


class LoopLag:
    """Smoothed lateness of timers, in seconds."""

    def __init__(self) -> None:
        self.lag = 0.0

    def observe(self, late: float) -> None:
        """One timer came `late` seconds after its time."""
        self.lag += (max(0.0, late) - self.lag) * WEIGHT

    @property
    def load(self) -> float:
        """From 0, timers are punctual, to 1."""
        return min(1.0, self.lag / FULL)

    async def measure(self) -> None:
        """Observe until cancelled."""
        while True:
            expected = time.monotonic() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self.observe(time.monotonic() - expected)


loop_lag = LoopLag()
