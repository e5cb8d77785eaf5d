"""Settings of a server that serves the probe endpoint and loses some of what it publishes."""

import random
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

from tests.support.probing import *
from tests.support.probing import CHANNEL_LAYERS

LOST = 0.05


class LossyLayer(RedisPubSubChannelLayer):
    """Redis pub/sub that drops one message in twenty without a word, as it may under load."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if random.random() >= LOST:
            await self._get_layer().group_send(group, message)


CHANNEL_LAYERS["default"]["BACKEND"] = "tests.support.chaos.LossyLayer"
