"""Queue of messages on their way to the channel layer.

One send per group is a round trip each, and channels-redis awaits one after the other under a lock:
a commit that notifies a thousand users would need a thousand round trips. Messages that wait
together are therefore sent together, as one message of type "batch", to the control group: every
Hub is in it, and picks out what it follows.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

CONTROL_GROUP = "control"
# Prefix of the names of stream groups. Only Hubs listen to them.
STREAM_GROUPS = "stream."
SEND_TIMEOUT = 2.0
# With fewer messages waiting, each goes to its own group, and only to processes that need it.
TOGETHER_FROM = 8
MAX_TOGETHER = 256 * 1024  # characters of payload in one message
MAX_WAITING = 10_000
MAX_WAITING_SIZE = 32 * 1024 * 1024  # characters of payload

Message = dict[str, Any]


class _Waiting(NamedTuple):
    group: str
    message: Message
    size: int


class Outbox:
    """Sends messages in the order in which they came; drops the oldest when it is stuck.

    Belongs to the event loop that it is made for.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._sender: asyncio.Task[None] | None = None
        self._lost = 0
        # Groups with a wake-up in the queue, which covers any that come meanwhile.
        self._waking: set[str] = set()

    @property
    def busy(self) -> bool:
        """True while messages are on their way."""
        return self._sender is not None

    def put(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Queue each message for its group."""
        for group, message in messages:
            if message.get("type") == "wakeup":
                if group in self._waking:
                    continue
                self._waking.add(group)
            waiting = _Waiting(group, message, _size(message))
            self._waiting.append(waiting)
            self._size += waiting.size
        while len(self._waiting) > MAX_WAITING or self._size > MAX_WAITING_SIZE:
            self._take()
            self._failed(1, "more wait than it takes")
        if self._sender is None:
            self._sender = self.loop.create_task(self._send())

    async def sent(self) -> None:
        """Return once nothing is on its way any more."""
        if self._sender is not None:
            await self._sender

    async def _send(self) -> None:
        layer = get_channel_layer()
        try:
            while self._waiting:
                group, message, count = self._next()
                try:
                    async with asyncio.timeout(SEND_TIMEOUT):
                        await layer.group_send(group, message)
                except Exception as error:  # noqa: BLE001 - whatever the layer's library raises
                    self._failed(count, repr(error))
                else:
                    self._succeeded()
        finally:
            self._sender = None

    def _next(self) -> tuple[str, Message, int]:
        """Return the group to send to next, the message, and how many messages are in it."""
        together: list[_Waiting] = []
        if len(self._waiting) >= TOGETHER_FROM:
            size = 0
            while self._waiting and _only_for_hubs(self._waiting[0].group):
                size += self._waiting[0].size
                if together and size > MAX_TOGETHER:
                    break
                together.append(self._take())
        if not together:
            together.append(self._take())
        if len(together) == 1:
            return together[0].group, together[0].message, 1
        groups = {waiting.group for waiting in together}
        group = groups.pop() if len(groups) == 1 else CONTROL_GROUP
        messages = [waiting.message for waiting in together]
        return group, {"type": "batch", "messages": messages}, len(messages)

    def _take(self) -> _Waiting:
        waiting = self._waiting.popleft()
        self._size -= waiting.size
        self._waking.discard(waiting.group)
        return waiting

    def _failed(self, count: int, reason: str) -> None:
        if not self._lost:
            logger.warning("The channel layer takes no messages: %s", reason)
        self._lost += count

    def _succeeded(self) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            logger.warning(
                "The channel layer takes messages again; %d wake-ups were lost, and log streams "
                "catch up by offset",
                lost,
            )


def _only_for_hubs(group: str) -> bool:
    """Return whether only Hubs, which are all in the control group, listen to this group."""
    return group == CONTROL_GROUP or group.startswith(STREAM_GROUPS)


def _size(message: Message) -> int:
    """Return roughly how many characters the message has."""
    texts = [payload for _, payload in message.get("events", ())]
    texts += [outcome for _, _, outcome in message.get("outcomes", ())]
    encoded = [message.get(name, b"") for name in ("payload", "changes", "event")]
    return 100 + sum(map(len, texts)) + sum(map(len, encoded))
