"""Gauges of the inboxes of a process's workers.

Each process that runs a worker, or is on standby to run it, reports the same numbers. To combine
the reports of several processes, take the largest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.process import gauges
from realtime.workers import inbox
from realtime.workers.inbox import Backlog
from realtime.workers.paces import OnWake
from realtime.workers.worker import Worker

logger = logging.getLogger(__name__)

INTERVAL = 2.0


async def keep(workers: Collection[type[Worker]]) -> None:
    """Measure the inboxes of these workers until cancelled.

    Gauges `inbox_depth.<name>` (entries) and `inbox_oldest.<name>` (seconds).
    """
    paces = [worker.pace for worker in workers]
    names = {pace.inbox.name for pace in paces if isinstance(pace, OnWake)}
    measured = dict.fromkeys(names, Backlog(0, 0.0))
    for name in names:
        _offer(name, measured)
    while names:
        try:
            found = await threads.call(inbox.backlogs)
        except DATABASE_AWAY as error:
            logger.warning("The inboxes cannot be measured: %s", error)
        else:
            measured.update((name, found[name]) for name in names)
        await asyncio.sleep(INTERVAL)
    await asyncio.Event().wait()


def _offer(name: str, measured: Mapping[str, Backlog]) -> None:
    gauges.gauge(f"inbox_depth.{name}", lambda: measured[name].depth)
    gauges.gauge(f"inbox_oldest.{name}", lambda: measured[name].oldest)
