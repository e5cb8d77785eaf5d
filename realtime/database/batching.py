"""Group commit: items that wait at the same time share a transaction.

Each process runs one transaction at a time, which takes all items that have arrived meanwhile: a
single item never waits, and under load many items share a commit.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Generic, TypeVar

from realtime.database import fences, threads
from realtime.database.threads import DATABASE_AWAY
from realtime.errors import AppError

In = TypeVar("In")
Out = TypeVar("Out")

MAX_BATCH = 100


class Batcher(Generic[In, Out]):
    """Items of one kind on their way into the database. May be created at import.

    Args:
        store: a synchronous service that stores a batch in one transaction and returns, for each
            item in the order of the batch, its result or the AppError that refuses it. If it
            raises another error, the items are retried one by one, so that only those fail that
            fail on their own; a database error fails the whole batch.
        limit: the largest batch.
        user_of: returns the user whose item it is: the processor time is counted as theirs.
    """

    def __init__(
        self,
        store: Callable[[Sequence[In]], Sequence[Out | AppError]],
        limit: int = MAX_BATCH,
        user_of: Callable[[In], int] | None = None,
    ) -> None:
        self._store = store if user_of is None else partial(_charged, store, user_of)
        self._limit = limit
        self._queue: _Queue[In, Out] | None = None

    async def submit(self, item: In) -> Out:
        """Store an item; returns once it is committed.

        Cancelling the caller does not undo anything: the item may still be committed.

        Raises:
            AppError: the item was refused.
            OperationalError, InterfaceError: the database is down; it may have been committed.
            Unfenced: the caller is a worker: its items would be committed with those of others.
        """
        if fences.current() is not None:
            raise fences.Unfenced("A worker stores what it has in a unit of work of its own.")
        loop = asyncio.get_running_loop()
        if self._queue is None or self._queue.loop is not loop:
            self._queue = _Queue(loop, self._store, self._limit)
        return await self._queue.put(item)


class _Queue(Generic[In, Out]):
    """The waiting items of one event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Callable[[Sequence[In]], Sequence[Out | AppError]],
        limit: int,
    ) -> None:
        self.loop = loop
        self._store_batch = store
        self._limit = limit
        self._waiting: deque[tuple[In, asyncio.Future[Out]]] = deque()
        self._running: asyncio.Task[None] | None = None

    def put(self, item: In) -> asyncio.Future[Out]:
        future: asyncio.Future[Out] = self.loop.create_future()
        self._waiting.append((item, future))
        if self._running is None:
            # In a new context: the task serves every caller, not only the one that started it.
            self._running = self.loop.create_task(self._run(), context=Context())
        return future

    async def _run(self) -> None:
        try:
            while self._waiting:
                size = min(self._limit, len(self._waiting))
                await self._store([self._waiting.popleft() for _ in range(size)])
        finally:
            self._running = None

    async def _store(self, batch: Sequence[tuple[In, asyncio.Future[Out]]]) -> None:
        try:
            results = await threads.call(self._store_batch, [item for item, _ in batch])
        except DATABASE_AWAY as error:
            _refuse(batch, error)
        except Exception as error:  # noqa: BLE001 - a failing item must not fail the others
            if len(batch) == 1:
                _refuse(batch, error)
                return
            for waiting in batch:
                await self._store([waiting])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                _settle(future, result)


def _charged(
    store: Callable[[Sequence[In]], Sequence[Out | AppError]],
    user_of: Callable[[In], int],
    batch: Sequence[In],
) -> Sequence[Out | AppError]:
    """Store a batch, and count the time as that of its users, in equal parts."""
    began = time.thread_time()
    try:
        return store(batch)
    finally:
        each = (time.thread_time() - began) / len(batch)
        for item in batch:
            threads.charge(user_of(item), each)


def _settle(future: asyncio.Future[Out], result: Out | AppError) -> None:
    if future.done():
        return  # the caller was cancelled
    if isinstance(result, AppError):
        future.set_exception(result)
    else:
        future.set_result(result)


def _refuse(batch: Sequence[tuple[In, asyncio.Future[Out]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
