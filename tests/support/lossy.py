"""A channel layer that loses some of what is published."""

import random
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

LOST = 0.05


class LossyLayer(RedisPubSubChannelLayer):
    """Redis pub/sub that drops one message in twenty without a word, as it may under load."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if random.random() >= LOST:
            await self._get_layer().group_send(group, message)
