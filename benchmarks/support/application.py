"""Pitwall's own ASGI application, with a publisher of ticks on command in the same process.

The entire path is the product's: publish_latest, the channel layer, the Hub, the
dashboard's selections, its consumer, the server.
"""

from __future__ import annotations

import os
from typing import Any

from realtime_project.asgi import application as pitwall  # first: it sets Django up

from benchmarks.support import mixed_endpoint, pitwall_ticks  # isort: skip
from benchmarks.support.publisher import publishing  # isort: skip


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve Pitwall. The publisher lives as long as the process."""
    port = os.environ.get("BENCH_CONTROL_PORT")
    if scope["type"] == "websocket" and scope["path"] == "/ws/mixed/":
        await mixed_endpoint.application(scope, receive, send)
        return
    if scope["type"] != "lifespan" or port is None:
        await pitwall(scope, receive, send)
        return
    followers = int(os.environ.get("BENCH_MIXED_FOLLOWERS", "0"))
    with pitwall_ticks.allowed_to_query():
        publish = mixed_endpoint.sender(followers) if followers else pitwall_ticks.chosen()
    async with publishing(int(port), publish):
        await pitwall(scope, receive, send)
