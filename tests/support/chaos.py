"""Settings of a server that serves the probe endpoint and loses some of what it publishes."""

import os
import random
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

os.environ.setdefault("PITWALL_WORKERS", "none")

from realtime_project.settings import *
from realtime_project.settings import CHANNEL_LAYERS

ASGI_APPLICATION = "tests.realtime.endpoints.application"
REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
REALTIME_TOUCH = "tests.realtime.endpoints.touch"

LOST = 0.05


class LossyLayer(RedisPubSubChannelLayer):
    """Redis pub/sub that drops one message in twenty without a word, as it may under load."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if random.random() >= LOST:
            await self._get_layer().group_send(group, message)


CHANNEL_LAYERS["default"]["BACKEND"] = "tests.support.chaos.LossyLayer"
