"""Service threads: they run synchronous code, so that the event loop never waits for it.

A pool, since `database_sync_to_async` has a single thread: there, a slow query holds up every
other one (measured: 2.9 s).
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

P = ParamSpec("P")
R = TypeVar("R")

# Django raises these while the database does not answer. Any other error is a bug.
DATABASE_AWAY = (OperationalError, InterfaceError)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.SERVICE_THREADS, thread_name_prefix="service")


async def call(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a synchronous service or selector in a service thread and await its result."""
    context = contextvars.copy_context()
    run = functools.partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(
        _pool(), lambda: context.run(_with_connections, run)
    )


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
