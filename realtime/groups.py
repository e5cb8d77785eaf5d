"""The groups of the channel layer that a process has joined on its one channel.

A layer that is away must not refuse anybody's subscription: what could not be joined is tried
again every second, and everything is joined anew well before the layer forgets it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from realtime import publish

logger = logging.getLogger(__name__)


class LayerGroups:
    """What the Hub listens to: the control group always, others while somebody follows them."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._channel: str | None = None
        self._wanted = {publish.CONTROL_GROUP}
        self._unjoined = set(self._wanted)
        self._tried = asyncio.Event()

    async def open(self) -> str:
        """Make the channel, join what is wanted, and return the channel's name."""
        try:
            async with asyncio.timeout(publish.SEND_TIMEOUT):
                self._channel = str(await self._layer.new_channel("hub"))
            await self.rejoin()
        finally:
            self._tried.set()
        return self._channel

    async def tried(self) -> None:
        """Return once the layer has been asked for what is wanted from the start.

        Just after the start nobody is to be told that they hear something before they do.
        """
        await self._tried.wait()

    async def join(self, group: str) -> None:
        """Want `group`, and join it now or as soon as the layer answers."""
        self._wanted.add(group)
        self._unjoined.add(group)
        await self.tried()
        await self._join(group)

    async def _join(self, group: str) -> None:
        if self._channel is not None and await _answers(
            self._layer.group_add(group, self._channel)
        ):
            self._unjoined.discard(group)

    async def leave(self, group: str) -> None:
        self._wanted.discard(group)
        self._unjoined.discard(group)
        if self._channel is not None:
            await _answers(self._layer.group_discard(group, self._channel))

    async def join_missing(self) -> None:
        """Try again what the layer could not be asked to join."""
        for group in list(self._unjoined):
            await self._join(group)

    async def rejoin(self) -> None:
        """Join everything that is wanted again: a layer forgets members after a while."""
        for group in list(self._wanted):
            self._unjoined.add(group)
            await self._join(group)

    @property
    def complete(self) -> bool:
        """Whether everything that is wanted has been joined."""
        return not self._unjoined


async def _answers(operation: Awaitable[None]) -> bool:
    """Whether the channel layer did what it was asked."""
    try:
        async with asyncio.timeout(publish.SEND_TIMEOUT):
            await operation
    except Exception as error:  # noqa: BLE001 - whatever the layer's library raises
        logger.warning("The channel layer does not answer: %r", error)
        return False
    return True
