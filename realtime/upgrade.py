"""The door before every WebSocket: origin, known path, and no entry while draining."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter

from realtime import handshake
from realtime.hub import get_hub


class Upgrade:
    """ASGI middleware: refuses an upgrade with an HTTP status before a consumer is made.

    403: a page of another origin. 404: no such endpoint. 503: the server is going away.
    """

    def __init__(self, inner: URLRouter) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"] if scope["path"].endswith("/") else scope["path"] + "/"
        if not self._known(path.lstrip("/")):
            await _refuse(scope, receive, send, 404, "There is no such endpoint.")
        elif not handshake.origin_allowed(scope):
            await _refuse(scope, receive, send, 403, "Pages of this origin may not connect.")
        elif (await get_hub()).draining:
            await _refuse(scope, receive, send, 503, "The server is going away.")
        else:
            await self._inner(scope | {"path": path}, receive, send)

    def _known(self, path: str) -> bool:
        return any(route.pattern.match(path) for route in self._inner.routes)


async def _refuse(scope: dict[str, Any], receive: Any, send: Any, status: int, reason: str) -> None:
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": reason.encode()})
