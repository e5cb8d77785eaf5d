"""The fence of the worker that is running: ambient, so that no signature carries it.

The loop around a worker sets it for all that the worker runs, and context variables go with tasks
and into service threads. Every unit of work checks it before its commit
(streams.unit_of_work), and a write outside of one is refused (database.write_guard).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Protocol


class Fence(Protocol):
    """What decides at commit time whether this writer may still write (a worker's lease)."""

    def check(self) -> None:
        """Raise when another holder has taken over."""


class Unfenced(RuntimeError):
    """A worker writes without a unit of work, so without its fence: a bug in the worker."""


_current: ContextVar[Fence | None] = ContextVar("fence", default=None)


def current() -> Fence | None:
    """The fence of the worker that this code runs for; None outside of workers."""
    return _current.get()


@contextmanager
def fenced(fence: Fence) -> Iterator[None]:
    """Have what runs inside write under `fence` only."""
    token = _current.set(fence)
    try:
        yield
    finally:
        _current.reset(token)


def context_of(fence: Fence) -> Context:
    """A copy of this context whose tasks and calls write under `fence` only."""
    context = copy_context()
    context.run(_current.set, fence)
    return context
