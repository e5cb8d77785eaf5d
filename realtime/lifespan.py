"""What a web process starts and stops with: the Hub, its report, and workers where they are inside.

ASGI lifespan protocol: https://asgi.readthedocs.io/en/latest/specs/lifespan.html
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

from django.conf import settings

from realtime import reporter, threads, workers
from realtime.hub import get_hub, stop_hub
from realtime.loops import supervise
from realtime.threads import DATABASE_AWAY

logger = logging.getLogger(__name__)

STOP_WORKERS_WITHIN = 2.0


class Lifespan:
    """The application of the lifespan scope."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        background = await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop(background)
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> list[asyncio.Task[None]]:
        loop = asyncio.get_running_loop()
        await get_hub()
        self._stopping = asyncio.Event()
        background = [loop.create_task(supervise("report", partial(reporter.report, "web")))]
        if settings.WORKERS_INSIDE:
            background += [
                loop.create_task(workers.run_supervised(worker, self._stopping))
                for worker in workers.registered().values()
            ]
        return background

    async def _stop(self, background: list[asyncio.Task[None]]) -> None:
        """Workers finish their step; whatever takes longer is cancelled."""
        self._stopping.set()
        reporting, *working = background
        reporting.cancel()
        if working:
            _, late = await asyncio.wait(working, timeout=STOP_WORKERS_WITHIN)
            for task in late:
                task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await stop_hub()
        try:
            async with asyncio.timeout(1):
                await threads.call(reporter.withdraw)
        except (*DATABASE_AWAY, TimeoutError) as error:
            logger.warning("This process could not sign off: %s", error)
