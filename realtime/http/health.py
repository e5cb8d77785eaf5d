"""Liveness and readiness checks for supervisors and load balancers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from channels.layers import get_channel_layer
from django.db import connection

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.workers.worker import states

CHECK_TIMEOUT = 2.0


class Health:
    """ASGI middleware that answers /healthz and /readyz itself.

    It runs before Django's middleware: probes may send any Host header, need no session, and must
    be answered while the database is down.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/healthz":
            await _respond(send, scope, 200, {"status": "ok"})
        elif scope["path"] == "/readyz":
            status, body = await readiness()
            await _respond(send, scope, status, body)
        else:
            await self._inner(scope, receive, send)


async def readiness() -> tuple[int, dict[str, Any]]:
    """Return 200 and details if the database and the channel layer answer, else 503 and details.

    The workers' states are reported but do not affect the status: pages work without workers.
    """
    database, layer = await asyncio.gather(_database(), _layer())
    ready = database == "ok" and layer == "ok"
    body = {
        "status": "ok" if ready else "unavailable",
        "database": database,
        "channel_layer": layer,
        "workers": await threads.call(states) if database == "ok" else "unknown",
    }
    return (200 if ready else 503), body


async def _respond(send: Any, scope: dict[str, Any], status: int, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body_sent = b"" if scope["method"] == "HEAD" else content
    await send({"type": "http.response.body", "body": body_sent})


async def _database() -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await threads.call(_select_one)
    except (*DATABASE_AWAY, OSError, TimeoutError) as error:
        return f"unavailable: {type(error).__name__}"
    return "ok"


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


async def _layer() -> str:
    """Check the layer's connection by sending a message that nobody receives."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await get_channel_layer().group_send("readiness", {"type": "readiness"})
    except Exception as error:  # noqa: BLE001 - the layer's library may raise anything
        return f"unavailable: {type(error).__name__}"
    return "ok"
