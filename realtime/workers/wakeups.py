"""Wake-ups through the channel layer: for commands to a worker, and for their outcomes.

Every process has one listener; a web process has it in addition to its Hub. Like any message on
the layer, a wake-up may be lost, so everything that waits for one also polls.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from contextvars import Context
from typing import Any

from channels.layers import get_channel_layer

from realtime.process import reporter
from realtime.process.loops import every, supervise
from realtime.streams import publish
from realtime.streams.layer_groups import LayerGroups

logger = logging.getLogger(__name__)

REPAIR_INTERVAL = 1.0
REJOIN_INTERVAL = 600.0  # well before the layer's group_expiry (a day)

Message = dict[str, Any]
Handler = Callable[[Message], None]


def group_of_process(process_id: str) -> str:
    """Return the group for messages to this one process."""
    return f"process.{process_id}"


class Listener:
    """One channel of the layer and the handlers of each group. Belongs to one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._layer = get_channel_layer()
        own = group_of_process(reporter.PROCESS_ID)
        self._groups = LayerGroups(self._layer, prefix="wakeups", always=[own])
        self._own = own
        self._handlers: dict[str, list[Handler]] = defaultdict(list)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start receiving."""
        publish.bind(self.loop)
        for name, run in (
            ("wake-up", self._receive),
            ("join", every(REPAIR_INTERVAL, self._groups.repair)),
            ("rejoin", every(REJOIN_INTERVAL, self._groups.rejoin)),
        ):
            # In a new context: these tasks must not inherit the fence of the first worker.
            task = self.loop.create_task(supervise(name, run), context=Context())
            self._tasks.append(task)

    async def listening(self) -> None:
        """Return once the layer has been asked for the wanted groups, or is known to be down."""
        await self._groups.tried()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def own(self, handler: Handler) -> None:
        """Call `handler` with each message to this process; adding it again has no effect."""
        if handler not in self._handlers[self._own]:
            self._handlers[self._own].append(handler)

    async def add(self, group: str, handler: Handler) -> None:
        """Call `handler` with each message to `group`, in the event loop."""
        self._handlers[group].append(handler)
        await self._groups.join(group)

    async def remove(self, group: str, handler: Handler) -> None:
        """Undo one `add`."""
        self._handlers[group].remove(handler)
        if not self._handlers[group]:
            del self._handlers[group]
            await self._groups.leave(group)

    def dispatch(self, message: Message) -> None:
        for handler in tuple(self._handlers.get(message.get("group", ""), ())):
            try:
                handler(message)
            except Exception:
                logger.exception("A wake-up was not understood")

    async def _receive(self) -> None:
        channel = await self._groups.open()
        while True:
            self.dispatch(await self._layer.receive(channel))


_listener: Listener | None = None


async def get_listener() -> Listener:
    """Return the listener of this process, started on first use."""
    global _listener
    if _listener is None or _listener.loop is not asyncio.get_running_loop():
        _listener = Listener()
        _listener.start()
    await _listener.listening()
    return _listener


async def stop_listener() -> None:
    """Stop the listener of this process, if there is one."""
    global _listener
    if _listener is not None and _listener.loop is asyncio.get_running_loop():
        await _listener.stop()
    _listener = None


def wake_own(group: str) -> None:
    """Wake up the waiters on `group` in this process only. May be called from any thread."""
    listener = _listener
    if listener is not None and not listener.loop.is_closed():
        message = {"type": "wakeup", "group": group}
        listener.loop.call_soon_threadsafe(listener.dispatch, message)
