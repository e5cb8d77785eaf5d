"""Reports this process: writes its numbers to the database once a second, for all processes."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.models import Process
from realtime.process import gauges

logger = logging.getLogger(__name__)

PROCESS_ID = uuid.uuid4().hex
INTERVAL = 1.0
FORGET_AFTER = timedelta(hours=1)


async def report(role: str) -> None:
    """Report this process until cancelled; `role` is what it runs ("web", worker names)."""
    while True:
        try:
            # Read here, not in the service thread: gauges belong to the event loop's thread.
            await threads.call(_write, role, gauges.local_values())
        except DATABASE_AWAY as error:
            logger.warning("This process cannot report its numbers: %s", error)
        await asyncio.sleep(INTERVAL)


def withdraw() -> None:
    """Delete this process's numbers when it ends. Synchronous."""
    Process.objects.filter(process_id=PROCESS_ID).delete()


@transaction.atomic  # queues at SQLite's gate: without it, the write could wait too long
def _write(role: str, values: dict[str, Any]) -> None:
    changed = Process.objects.filter(process_id=PROCESS_ID).update(seen_at=Now(), values=values)
    if not changed:
        Process.objects.filter(seen_at__lt=Now() - FORGET_AFTER).delete()
        Process.objects.create(
            process_id=PROCESS_ID,
            role=role,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=Now(),
            seen_at=Now(),
            values=values,
        )
