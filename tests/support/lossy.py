"""A channel layer that loses some messages."""

import random
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

LOST = 0.05


class LossyLayer(RedisPubSubChannelLayer):
    """Redis pub/sub that silently drops one message in twenty, as it may under load."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if random.random() >= LOST:
            await self._get_layer().group_send(group, message)
