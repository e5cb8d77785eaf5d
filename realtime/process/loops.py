"""Loops that run as long as their process: at intervals, and restarted after an error."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

RESTART_PAUSE = 0.5

Run = Callable[[], Coroutine[Any, Any, None]]


def every(seconds: float, step: Run) -> Run:
    """Return a loop of `step` about every `seconds`, with jitter to keep processes out of step."""

    async def run() -> None:
        while True:
            await asyncio.sleep(seconds * random.uniform(0.9, 1.1))
            await step()

    return run


async def supervise(name: str, run: Run) -> None:
    """Restart `run` whenever it ends; errors are logged under `name`."""
    while True:
        try:
            await run()
        except Exception:
            logger.exception("The %s loop ended; it begins again", name)
        await asyncio.sleep(RESTART_PAUSE)
