"""A real server in the test's own event loop: our uvicorn protocol on a free port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from realtime.server.uvicorn import DrainingServer, configuration


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[str]:
    """Serve an ASGI application; yields its address as host:port, and drains it at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    ready = asyncio.Event()
    server = DrainingServer(configuration(application), ready.set)
    # serve() would take over the test process's signals.
    running = asyncio.create_task(server._serve([listener]))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    host, port = listener.getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.should_exit = True
        await running
