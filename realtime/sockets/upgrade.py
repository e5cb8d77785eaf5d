"""Checks before every WebSocket upgrade: known path, origin, free slots, server not draining."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter

from realtime.hub import get_hub
from realtime.sessions import endings
from realtime.sessions.endings import Ending
from realtime.sockets import admission, handshake
from realtime.sockets.admission import Slots
from realtime.sockets.handshake import refuse


class Upgrade:
    """ASGI middleware: refuses an upgrade with an HTTP status before a consumer is created.

    403: a page of another origin. 404: no such endpoint. 429: too many sockets from one address.
    503: the server is full, or going away.
    """

    def __init__(self, inner: URLRouter) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"] if scope["path"].endswith("/") else scope["path"] + "/"
        if not self._known(path.lstrip("/")):
            await _turn_away(scope, receive, send, endings.NO_ENDPOINT)
        elif not handshake.origin_allowed(scope):
            await _turn_away(scope, receive, send, endings.FOREIGN_ORIGIN)
        elif (await get_hub()).roster.draining:
            await _turn_away(scope, receive, send, endings.DRAINING)
        else:
            place = admission.place()
            await self._admit(scope | {"path": path, "pitwall.place": place}, place, receive, send)

    async def _admit(self, scope: dict[str, Any], place: Slots, receive: Any, send: Any) -> None:
        try:
            if full := place.enter(handshake.address(scope)):
                await _turn_away(scope, receive, send, full)
            else:
                await self._inner(scope, receive, send)
        finally:
            place.leave()

    def _known(self, path: str) -> bool:
        return any(route.pattern.match(path) for route in self._inner.routes)


async def _turn_away(scope: dict[str, Any], receive: Any, send: Any, ending: Ending) -> None:
    await receive()
    await refuse(scope, send, ending)
