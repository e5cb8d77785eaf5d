"""Channels as in its tutorial: one group for ticks, one for each room, one for each user."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402, TID251
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from benchmarks.support import mixture  # noqa: E402
from benchmarks.support.publisher import publishing  # noqa: E402

FOLLOWERS = int(os.environ["BENCH_MIXED_FOLLOWERS"])


class MixedConsumer(AsyncJsonWebsocketConsumer):
    groups_joined: tuple[str, ...] = ()

    async def receive_json(self, content: dict[str, Any]) -> None:
        self.metrics = content["metrics"]
        self.groups_joined = ("ticks", f"room.{content['room']}", f"user.{content['number']}")
        for group in self.groups_joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.send_json({"type": "subscription_confirmed"})

    async def disconnect(self, code: int) -> None:
        for group in self.groups_joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def tick(self, event: dict[str, Any]) -> None:
        chosen = {name: event["values"][name] for name in self.metrics}
        await self.send_json({"type": "tick", "metrics": chosen})

    async def said(self, event: dict[str, Any]) -> None:
        await self.send_json(event)


async def send_round(number: int, at: float) -> None:
    layer = get_channel_layer()
    await layer.group_send("ticks", {"type": "tick", "values": mixture.readings(number, at)})
    said = {"type": "said", "q": number, "t": at, "text": mixture.TEXT}
    for follower in mixture.followers_of(number, FOLLOWERS):
        await layer.group_send(f"user.{follower}", {**said, "kind": mixture.PUSH})
    for room in mixture.rooms_of(number):
        await layer.group_send(f"room.{room}", {**said, "kind": mixture.MESSAGE})


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    async with publishing(int(os.environ["BENCH_CONTROL_PORT"]), send_round):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AuthMiddlewareStack(URLRouter([path("ws", MixedConsumer.as_asgi())])),
        "lifespan": lifespan,
    }
)
