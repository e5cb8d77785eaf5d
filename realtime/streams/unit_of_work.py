"""Units of work: one change, one transaction, its events last.

Every service runs in a unit of work. The events that it emits are collected and appended together
at the end of the outermost unit: stream rows are locked as late as possible and in a fixed order,
and clients hear of a change only once it is committed. A worker's fence (database.fences) is
checked there as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from dataclasses import dataclass, field
from types import TracebackType
from typing import ParamSpec, TypeVar, overload

from django.db import transaction

from realtime.database import fences
from realtime.database.fences import Fence
from realtime.process import gauges
from realtime.protocol import Event
from realtime.streams import log, publish
from realtime.streams.log import StreamKey

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class _Work:
    pending: list[tuple[StreamKey, log.Payload]] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)


class _Current(threading.local):
    work: _Work | None = None


_current = _Current()


class UnitOfWork(ContextDecorator):
    """The transaction around one service; see `unit_of_work`."""

    def _recreate_cm(self) -> UnitOfWork:
        return UnitOfWork()

    def __enter__(self) -> UnitOfWork:
        work = _current.work
        self._outermost = work is None
        if work is None:
            work = _current.work = _Work()
        self._emitted_before = len(work.pending)
        self._atomic = transaction.atomic()
        try:
            self._atomic.__enter__()
        except BaseException:
            self._end()
            raise
        fence = fences.current()
        if fence is not None and fence not in work.fences:
            work.fences.append(fence)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        work = _current.work
        assert work is not None
        try:
            if kind is not None:
                # Drop the events of the failed part, even if its caller goes on.
                del work.pending[self._emitted_before :]
            elif self._outermost:
                self._append(work)
        except BaseException as append_error:
            self._end()
            self._atomic.__exit__(type(append_error), append_error, append_error.__traceback__)
            raise
        # End the unit before the commit: its on_commit callbacks run outside of it.
        self._end()
        self._atomic.__exit__(kind, error, trace)
        if kind is None and self._outermost:
            gauges.commits.add()

    def _append(self, work: _Work) -> None:
        for fence in work.fences:
            fence.check()
        if work.pending:
            appended = log.append(work.pending)
            transaction.on_commit(lambda: publish.publish_log(appended))

    def _end(self) -> None:
        if self._outermost:
            _current.work = None


@overload
def unit_of_work(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def unit_of_work(function: None = None, /) -> UnitOfWork: ...
def unit_of_work(function: Callable[P, R] | None = None, /) -> Callable[P, R] | UnitOfWork:
    """Run a service as one transaction: `@unit_of_work`, or `with unit_of_work():`.

    Nested units are savepoints of the outermost one, which checks the fence and appends all events
    just before its commit. On SQLite, writers queue fairly (realtime.database.sqlite).
    """
    if function is None:
        return UnitOfWork()
    return UnitOfWork()(function)


def covers(fence: Fence) -> bool:
    """Return whether this thread is in a unit of work that checks `fence` before its commit."""
    return _current.work is not None and fence in _current.work.fences


def emit(key: StreamKey, event: Event | Callable[[], Event]) -> None:
    """Add an event to a log stream: stored with the change, delivered after its commit.

    Args:
        event: the event, or a function that makes it. The function is called at the end of the
            unit, once the stream is locked: for events that depend on all earlier commits to the
            stream (a count).

    Raises:
        RuntimeError: called outside a unit of work.
    """
    if _current.work is None:
        raise RuntimeError("emit() belongs inside a unit of work.")
    payload = (lambda: _entry(event())) if callable(event) else _entry(event)
    _current.work.pending.append((key, payload))


def within_unit_of_work() -> bool:
    """Return whether this thread is in a unit of work, and so writes in its transaction."""
    return _current.work is not None


def _entry(event: Event) -> log.Entry:
    return log.Entry(event.encode().decode(), event.subject)
