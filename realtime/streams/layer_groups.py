"""The groups of the channel layer that a process has joined on its one channel.

A layer that is away must not refuse anybody's subscription: what could not be joined is tried
again every second, and everything is joined anew well before the layer forgets it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any

from realtime.streams import outbox

logger = logging.getLogger(__name__)


class LayerGroups:
    """What one channel of this process listens to: `always` these groups, others while wanted.

    Args:
        prefix: how the channel's name begins.
    """

    def __init__(
        self, layer: Any, prefix: str = "hub", always: Iterable[str] = (outbox.CONTROL_GROUP,)
    ) -> None:
        self._layer = layer
        self._prefix = prefix
        self._channel: str | None = None
        self._wanted = set(always)
        self._unjoined = set(self._wanted)
        self._unleft: set[str] = set()
        # While it is false nobody waits for the layer: what is to be done is noted for later.
        self._answers = True
        self._tried = asyncio.Event()

    async def open(self) -> str:
        """Make the channel, join what is wanted, and return the channel's name."""
        try:
            async with asyncio.timeout(outbox.SEND_TIMEOUT):
                self._channel = str(await self._layer.new_channel(self._prefix))
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
        self._unleft.discard(group)
        await self.tried()
        if self._answers:
            await self._join(group)

    async def leave(self, group: str) -> None:
        """Want `group` no more, and leave it now or as soon as the layer answers."""
        self._wanted.discard(group)
        self._unjoined.discard(group)
        self._unleft.add(group)
        if self._answers:
            await self._leave(group)

    async def repair(self) -> None:
        """Do what the layer could not be asked to do; one that is away is asked once."""
        for group in list(self._unjoined):
            if not await self._join(group):
                return
        for group in list(self._unleft):
            if not await self._leave(group):
                return

    async def _join(self, group: str) -> bool:
        if self._channel is None:
            return False
        self._answers = await _answers(self._layer.group_add(group, self._channel))
        if self._answers:
            self._unjoined.discard(group)
        return self._answers

    async def _leave(self, group: str) -> bool:
        if self._channel is None:
            return False
        self._answers = await _answers(self._layer.group_discard(group, self._channel))
        if self._answers:
            self._unleft.discard(group)
            if group in self._wanted:  # somebody came while the layer was asked
                self._unjoined.add(group)
        return self._answers

    async def rejoin(self) -> None:
        """Join everything that is wanted again: a layer forgets members after a while."""
        self._unjoined |= self._wanted
        await self.repair()

    @property
    def complete(self) -> bool:
        """Whether everything that is wanted has been joined."""
        return not self._unjoined


async def _answers(operation: Awaitable[None]) -> bool:
    """Whether the channel layer did what it was asked."""
    try:
        async with asyncio.timeout(outbox.SEND_TIMEOUT):
            await operation
    except Exception as error:  # noqa: BLE001 - whatever the layer's library raises
        logger.warning("The channel layer does not answer: %r", error)
        return False
    return True
