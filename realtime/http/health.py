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
        self._recent = Recent()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/healthz":
            await _respond(send, scope, 200, {"status": "ok"})
        elif scope["path"] == "/readyz":
            status, body = await self._recent.get()
            await _respond(send, scope, status, body)
        else:
            await self._inner(scope, receive, send)


class Recent:
    """The readiness of at most `LIFETIME` seconds ago: any number of requests cost one check.

    Anybody may ask, and each check takes a service thread and a message on the channel layer.
    """

    LIFETIME = 1.0

    def __init__(self) -> None:
        self._check: asyncio.Task[tuple[int, dict[str, Any]]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = 0.0

    async def get(self) -> tuple[int, dict[str, Any]]:
        """Return status and body; those who ask at once wait for the same check."""
        loop = asyncio.get_running_loop()
        old = loop.time() - self._began > self.LIFETIME
        if self._check is None or self._loop is not loop or (self._check.done() and old):
            self._check, self._loop = loop.create_task(readiness()), loop
            self._began = loop.time()
        # Shielded: the others wait on if one of them goes away.
        return await asyncio.shield(self._check)


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
