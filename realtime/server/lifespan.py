"""Start and stop of a web process: the Hub, its report, and the workers that run inside it.

ASGI lifespan protocol: https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

from django.conf import settings

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.hub import get_hub, stop_hub
from realtime.process import reporter
from realtime.process.loops import supervise
from realtime.workers import inbox_gauges
from realtime.workers.loop import run_supervised
from realtime.workers.wakeups import get_listener, stop_listener
from realtime.workers.worker import registered

logger = logging.getLogger(__name__)

STOP_WORKERS_WITHIN = 2.0


class Lifespan:
    """The ASGI application for the lifespan scope."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        await get_hub()
        await get_listener()
        self._stopping = asyncio.Event()
        self._beside = [loop.create_task(supervise("report", partial(reporter.report, "web")))]
        self._working: list[asyncio.Task[None]] = []
        if settings.WORKERS_INSIDE:
            inside = list(registered().values())
            measuring = supervise("inbox gauges", partial(inbox_gauges.keep, inside))
            self._beside.append(loop.create_task(measuring))
            self._working += [
                loop.create_task(run_supervised(worker, self._stopping))
                for worker in inside
                for _ in range(worker.slots)
            ]

    async def _stop(self) -> None:
        """Let workers finish their step; those that take longer are cancelled."""
        self._stopping.set()
        for task in self._beside:
            task.cancel()
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=STOP_WORKERS_WITHIN)
            for task in late:
                task.cancel()
        await asyncio.gather(*self._beside, *self._working, return_exceptions=True)
        await stop_hub()
        await stop_listener()
        try:
            async with asyncio.timeout(1):
                await threads.call(reporter.withdraw)
        except (*DATABASE_AWAY, TimeoutError) as error:
            logger.warning("This process could not sign off: %s", error)
