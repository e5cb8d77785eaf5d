"""Messages that wait together are stored together.

One transaction at a time in each process takes all messages that have come meanwhile, of any
rooms: alone a message waits for nothing, and under load a commit is shared by many.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from chat.services import Draft, Sent, post_drafts
from realtime import threads
from realtime.errors import AppError
from realtime.threads import DATABASE_AWAY

MAX_BATCH = 100

Waiting = tuple[Draft, "asyncio.Future[Sent]"]


class Poster:
    """The queue of one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._waiting: deque[Waiting] = deque()
        self._running: asyncio.Task[None] | None = None

    async def post(self, draft: Draft) -> Sent:
        """Store a message; returns once it is committed.

        Raises:
            AppError: it was refused (chat.services.send_message).
        """
        future: asyncio.Future[Sent] = self.loop.create_future()
        self._waiting.append((draft, future))
        if self._running is None:
            self._running = self.loop.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                size = min(MAX_BATCH, len(self._waiting))
                await self._post([self._waiting.popleft() for _ in range(size)])
        finally:
            self._running = None

    async def _post(self, batch: Sequence[Waiting]) -> None:
        try:
            results = await threads.call(post_drafts, [draft for draft, _ in batch])
        except DATABASE_AWAY as error:
            _refuse(batch, error)  # a database that is away is so for all of them
        except Exception as error:  # noqa: BLE001 - one that fails must not take others with it
            if len(batch) == 1:
                _refuse(batch, error)
                return
            for waiting in batch:
                await self._post([waiting])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                _settle(future, result)


def _settle(future: asyncio.Future[Sent], result: Sent | AppError) -> None:
    if future.done():
        return  # whoever asked is gone
    if isinstance(result, AppError):
        future.set_exception(result)
    else:
        future.set_result(result)


def _refuse(batch: Sequence[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)


_poster: Poster | None = None


def poster() -> Poster:
    """The queue of the running event loop."""
    global _poster
    if _poster is None or _poster.loop is not asyncio.get_running_loop():
        _poster = Poster()
    return _poster
