"""The channel layer groups that a process has joined on its one channel.

A layer that is away must not cause a subscription to be refused: groups that could not be joined
are tried again every second, and all groups are joined again well before the layer forgets them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable
from typing import Any

from realtime.streams import outbox

logger = logging.getLogger(__name__)


class LayerGroups:
    """The groups that one channel of this process is in: `always` these, others while wanted.

    Args:
        prefix: the beginning of the channel's name.
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
        # False while the layer does not answer: nothing waits for it, and `repair` does the rest.
        self._answers = True
        self._tried = asyncio.Event()

    async def open(self) -> str:
        """Create the channel, join the wanted groups, and return the channel's name."""
        try:
            async with asyncio.timeout(outbox.SEND_TIMEOUT):
                self._channel = str(await self._layer.new_channel(self._prefix))
            await self.rejoin()
        finally:
            self._tried.set()
        return self._channel

    async def tried(self) -> None:
        """Return once the layer has been asked for the groups that are wanted from the start.

        Otherwise, just after the start, a client could be told that it is subscribed before it is.
        """
        await self._tried.wait()

    async def join(self, group: str) -> None:
        """Add `group` to the wanted ones, and join it now or as soon as the layer answers."""
        self._wanted.add(group)
        self._unjoined.add(group)
        self._unleft.discard(group)
        await self.tried()
        if self._answers:
            await self._join(group)

    async def leave(self, group: str) -> None:
        """Remove `group` from the wanted ones, and leave it now or as soon as the layer answers."""
        self._wanted.discard(group)
        self._unjoined.discard(group)
        self._unleft.add(group)
        if self._answers:
            await self._leave(group)

    async def repair(self) -> None:
        """Retry what the layer has not done yet; gives up at the first failure."""
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
            if group in self._wanted:  # it was wanted again during the call
                self._unjoined.add(group)
        return self._answers

    async def rejoin(self) -> None:
        """Join all wanted groups again: a layer forgets members after a while."""
        self._unjoined |= self._wanted
        await self.repair()

    @property
    def complete(self) -> bool:
        """True if all wanted groups have been joined."""
        return not self._unjoined


async def _answers(operation: Awaitable[None]) -> bool:
    """Await an operation of the channel layer, and return whether it succeeded."""
    try:
        async with asyncio.timeout(outbox.SEND_TIMEOUT):
            await operation
    except Exception as error:  # noqa: BLE001 - whatever the layer's library raises
        logger.warning("The channel layer does not answer: %r", error)
        return False
    return True
