"""The fence of the running worker, in a context variable, so that no function has to pass it on.

The worker loop sets it for everything that the worker runs; tasks and service threads inherit it.
Every unit of work checks it before its commit (streams.unit_of_work), and a write outside of one
is refused (streams.write_guard).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Protocol


class Fence(Protocol):
    """The check at commit time that this writer may still write (a worker's lease)."""

    def check(self) -> None:
        """Raise if another holder has taken over."""


class Unfenced(RuntimeError):
    """A worker writes outside of a unit of work, thus without its fence: a bug in the worker."""


_current: ContextVar[Fence | None] = ContextVar("fence", default=None)


def current() -> Fence | None:
    """Return the fence of the worker that this code runs for; None outside of workers."""
    return _current.get()


@contextmanager
def fenced(fence: Fence) -> Iterator[None]:
    """Put all writes inside the block under `fence`."""
    token = _current.set(fence)
    try:
        yield
    finally:
        _current.reset(token)


def context_of(fence: Fence) -> Context:
    """Return a copy of this context in which tasks and calls write under `fence`."""
    context = copy_context()
    context.run(_current.set, fence)
    return context
