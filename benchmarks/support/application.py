"""Pitwall's own ASGI application, in whose process ticks are published on command.

Everything on their way is the product's: publish_latest, the channel layer, the Hub, the
dashboard's selections, its consumer, the server.
"""

from __future__ import annotations

import os
from typing import Any

from realtime_project.asgi import application as pitwall  # first: it sets Django up

from benchmarks.support import pitwall_ticks  # isort: skip
from benchmarks.support.publisher import publishing  # isort: skip


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Pitwall; the publisher lives as long as the process does."""
    port = os.environ.get("BENCH_CONTROL_PORT")
    if scope["type"] != "lifespan" or port is None:
        await pitwall(scope, receive, send)
        return
    async with publishing(int(port), pitwall_ticks.sender()):
        await pitwall(scope, receive, send)
