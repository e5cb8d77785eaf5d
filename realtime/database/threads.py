"""Service threads: they run synchronous code, so that the event loop never waits for it.

A pool, since `database_sync_to_async` has a single thread: there, a slow query holds up every
other one (measured: 2.9 s).

Work for a user takes turns with that of other users (realtime.database.turns) and leaves some
threads to the system: its workers, look-ups and pushes never wait behind users.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from realtime.database.turns import Turn, Turns
from realtime.errors import RateLimited

P = ParamSpec("P")
R = TypeVar("R")

# Django raises these while the database does not answer. Any other error is a bug.
DATABASE_AWAY = (OperationalError, InterfaceError)
# Threads that only the system uses.
RESERVED = 2
# Pauses end with time, or when nobody else is active any more: look so often (seconds).
LOOK = 0.2
# Longest wait of an HTTP request for its user's turn (seconds).
REQUEST_WAITS = 10.0


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.SERVICE_THREADS, thread_name_prefix="service")


@functools.cache
def _turns() -> Turns:
    limits = settings.REALTIME_LIMITS
    shared = max(1, settings.SERVICE_THREADS - RESERVED)
    return Turns(shared, limits["user_share"], int(limits["max_waiting_per_user"]))


async def call(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous service or selector in a service thread and await its result."""
    context = contextvars.copy_context()
    run = functools.partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(
        _pool(), lambda: context.run(_with_connections, run)
    )


async def call_for(user: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a service or selector for a user, in the user's turn, and await its result.

    Raises:
        RateLimited: too much of this user's is waiting already; it has not run.
    """
    return await _in_turn(user, functools.partial(function, *args, **kwargs), refuse=True)


async def wait_for(user: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do as `call_for`, but never refuse: for pushes, which nobody would ask for again."""
    return await _in_turn(user, functools.partial(function, *args, **kwargs), refuse=False)


async def _in_turn(user: int, run: Callable[[], R], *, refuse: bool) -> R:
    loop, turns = asyncio.get_running_loop(), _turns()
    granted: asyncio.Future[None] | None = None

    def grant() -> None:
        if granted is not None:
            loop.call_soon_threadsafe(_settle, granted)

    turn = turns.ask(user, grant, time.monotonic(), refuse=refuse)
    if turn.waiting:
        granted = loop.create_future()
        if not turn.waiting:  # it was granted before the future was there
            _settle(granted)
        watch = _Watch(loop, turns)
        try:
            await granted
        except BaseException:
            turns.withdraw(turn, time.monotonic())
            raise
        finally:
            watch.end()
    context = contextvars.copy_context()

    def timed() -> R:
        began = time.thread_time()
        try:
            return context.run(_with_connections, run)
        finally:
            turns.done(turn, time.thread_time() - began, time.monotonic())

    future = _pool().submit(timed)
    future.add_done_callback(functools.partial(_end_if_it_never_ran, turns, turn))
    return await asyncio.wrap_future(future)


@contextmanager
def request_turn(user: int) -> Iterator[None]:
    """Run a block of an HTTP request, which has a thread of its own, in its user's turn.

    Raises:
        RateLimited: too much of this user's is waiting, or the turn did not come in time.
    """
    turns, came = _turns(), threading.Event()
    turn = turns.ask(user, came.set, time.monotonic(), pooled=False)
    try:
        _wait(turns, turn, came)
    except BaseException:
        turns.withdraw(turn, time.monotonic())
        raise
    began = time.thread_time()
    try:
        yield
    finally:
        turns.done(turn, time.thread_time() - began, time.monotonic())


def charge(user: int, used: float) -> None:
    """Count `used` seconds of processor time that the system has spent for a user."""
    _turns().charge(user, used, time.monotonic())


def _wait(turns: Turns, turn: Turn, came: threading.Event) -> None:
    deadline = time.monotonic() + REQUEST_WAITS
    while turn.waiting:
        now = time.monotonic()
        if now >= deadline:
            raise RateLimited(
                "You have used more than your share of the server: go on a little later.",
                retry_after=max(1.0, turns.pause(turn, now)),
            )
        came.wait(min(deadline - now, LOOK))
        turns.advance(time.monotonic())


class _Watch:
    """Looks regularly whether a pause is over, while somebody waits for a turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop, turns: Turns) -> None:
        self._loop, self._turns = loop, turns
        self._next = loop.call_later(LOOK, self._look)

    def end(self) -> None:
        self._next.cancel()

    def _look(self) -> None:
        self._next = self._loop.call_later(LOOK, self._look)
        self._turns.advance(time.monotonic())


def _settle(granted: asyncio.Future[None]) -> None:
    if not granted.done():
        granted.set_result(None)


def _end_if_it_never_ran(turns: Turns, turn: Turn, future: Future[Any]) -> None:
    if future.cancelled():
        turns.done(turn, 0.0, time.monotonic())


def _with_connections(run: Callable[[], R]) -> R:
    try:
        return run()
    finally:
        _give_back()


def _give_back() -> None:
    """Return pooled connections; keep SQLite's, which cost more to open than a query."""
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            # No maximum age: CONN_MAX_AGE is for requests, whose threads end with them.
            connection.close_at = None
            connection.close_if_unusable_or_obsolete()
        elif not connection.in_atomic_block:
            connection.close()
