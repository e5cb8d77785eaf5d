"""uvicorn's server, which checks deadlines and drains its sockets at the end, and its settings."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from django.conf import settings
from uvicorn.server import ServerState

from realtime.fanout.connection import CLOSE_DEADLINE
from realtime.hub import get_hub
from realtime.server.connections import Connections
from realtime.server.http import HttpProtocol
from realtime.server.websocket import FanoutProtocol

DRAIN_WITHIN = 2.0
TICKS_PER_SECOND = 10


class State(ServerState):
    """What all connections of this server share, with the count of those over HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self.http = Connections()


class DrainingServer(uvicorn.Server):
    """uvicorn's server, except that it tells sockets to reconnect instead of cutting them off."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, HttpProtocol):
                    connection.check(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_WITHIN + CLOSE_DEADLINE):
                await (await get_hub()).roster.drain(DRAIN_WITHIN)
        await super().shutdown(sockets)


def configuration(application: Any) -> uvicorn.Config:
    """Return uvicorn's settings: our protocols, no deflate, a frame cap, our own logs."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=HttpProtocol,
        ws=FanoutProtocol,
        ws_max_size=int(settings.REALTIME_LIMITS["max_frame_bytes"]),
        ws_per_message_deflate=False,
        # The protocol has its own heartbeats; pings on top would only cost frames.
        ws_ping_interval=None,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=int(settings.REALTIME_LIMITS["keep_alive"]),
    )
