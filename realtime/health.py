"""Liveness and readiness, for supervisors and load balancers."""

from __future__ import annotations

import asyncio

from channels.layers import get_channel_layer
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from realtime import threads, workers

CHECK_TIMEOUT = 2.0


async def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all."""
    return JsonResponse({"status": "ok"})


async def readyz(request: HttpRequest) -> HttpResponse:
    """200 when this process can serve: the database and the channel layer answer; else 503.

    The state of the workers is told and does not fail it: pages work without them.
    """
    database, layer = await asyncio.gather(_database(), _layer())
    ready = database == "ok" and layer == "ok"
    body = {
        "status": "ok" if ready else "unavailable",
        "database": database,
        "channel_layer": layer,
        "workers": await threads.call(workers.states) if database == "ok" else "unknown",
    }
    return JsonResponse(body, status=200 if ready else 503)


async def _database() -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await threads.call(_select_one)
    except (OperationalError, InterfaceError, OSError, TimeoutError) as error:
        return f"unavailable: {type(error).__name__}"
    return "ok"


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


async def _layer() -> str:
    """Send one message that nobody receives: it goes through the layer's connection."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await get_channel_layer().group_send("readiness", {"type": "readiness"})
    except Exception as error:  # noqa: BLE001 - whatever the layer's library raises
        return f"unavailable: {type(error).__name__}"
    return "ok"
