"""Channels as in its tutorial: AuthMiddlewareStack, a consumer, group_send.

https://channels.readthedocs.io/en/stable/tutorial/part_2.html It uses the same Django, users,
sessions and database as Pitwall, and the in-memory layer.
"""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402, TID251
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from benchmarks.support import ticks  # noqa: E402
from benchmarks.support.publisher import publishing  # noqa: E402


class TickConsumer(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add("ticks", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("ticks", self.channel_name)

    async def tick(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


class AccountConsumer(AsyncWebsocketConsumer):
    """Accepts only logged-in users."""

    async def connect(self) -> None:
        if self.scope["user"].is_authenticated:
            await self.accept()
        else:
            await self.close()


async def send_tick(number: int, at: float) -> None:
    message = {"type": "tick", "text": ticks.text(number, at)}
    await get_channel_layer().group_send("ticks", message)


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    async with publishing(int(os.environ["BENCH_CONTROL_PORT"]), send_tick):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter(
            [
                path("ws", TickConsumer.as_asgi()),
                path("account", AuthMiddlewareStack(AccountConsumer.as_asgi())),
            ]
        ),
        "lifespan": lifespan,
    }
)
