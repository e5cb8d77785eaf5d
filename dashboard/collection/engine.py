"""Runs the sources of all workspaces concurrently, each at its own interval. Uses no database.

A source that fails is retried after a growing pause with jitter; one that hangs keeps its own
thread and is not started again before that returns. A tick waits for neither: it takes the
readings that arrive within GRACE, and later ones go out with a later tick, under the time at
which they were taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from dashboard.source_kinds import Collector, Kind, Readings, SourceFacts

T = TypeVar("T")

CONCURRENCY = 32
# Seconds that a tick waits for sources whose last run took no longer than this.
GRACE = 0.15
LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class Outcome:
    """The result of a source's run: readings, or the error to show. `tick`: epoch seconds."""

    source_id: int
    workspace_id: int
    tick: int
    readings: Readings
    error: str = ""


class OwnThread:
    """A daemon thread that runs jobs one by one: a hung job blocks no other source.

    `between` runs in the thread after each job, `at_end` before the thread ends.
    """

    def __init__(self, name: str, between: Callable[[], None], at_end: Callable[[], None]) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._between = between
        self._at_end = at_end
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Run `function` in the thread; return its result as a future of the caller's loop."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        # In the caller's context, as in a service thread: it carries the worker's fence.
        job = functools.partial(contextvars.copy_context().run, function)
        self._jobs.put((job, future))
        return future

    def end(self) -> None:
        """End the thread after its queued jobs."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            function, future = job
            try:
                result, error = function(), None
            except Exception as raised:  # noqa: BLE001 - handed to the caller
                result, error = None, raised
            self._between()
            with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
        self._at_end()


class Runner:
    """Runs one source: keeps its collector, its next run and its failures."""

    def __init__(self, facts: SourceFacts, kind: Kind, thread: OwnThread) -> None:
        self.facts = facts
        self.slow = False
        self.running: asyncio.Task[Outcome] | None = None
        self._kind = kind
        self._collector: Collector | None = None
        self._thread = thread
        self._pending: asyncio.Future[Readings] | None = None
        self._due_at = 0.0
        self._failures = 0

    def due(self, tick: int) -> bool:
        """Return whether to start at `tick`; also if the clock was set back beyond any pause."""
        far_ahead = self._due_at - tick > LONGEST_PAUSE + self.facts.interval_seconds
        return self.running is None and (tick >= self._due_at or far_ahead)

    async def run(self, tick: int, slots: asyncio.Semaphore) -> Outcome:
        """Read the source once; never raises."""
        readings: Readings = {}
        error = ""
        async with slots:
            began = time.monotonic()
            try:
                async with asyncio.timeout(self._kind.timeout):
                    readings = await self._read(tick)
            except TimeoutError:
                error = f"No answer within {self._kind.timeout:g} s."
            except Exception as raised:  # noqa: BLE001 - the source's own error, shown as such
                error = f"{type(raised).__name__}: {raised}"
        self.slow = time.monotonic() - began > GRACE
        self._plan_next(tick, failed=bool(error))
        return Outcome(self.facts.source_id, self.facts.workspace_id, tick, readings, error)

    def end(self) -> None:
        if self.running is not None:
            self.running.cancel()
        self._thread.end()

    async def _read(self, tick: int) -> Readings:
        if self._pending is not None and not self._pending.done():
            raise TimeoutError  # an earlier run hangs in the source's thread
        self._pending = self._thread.call(lambda: self._collect(tick))
        # Shielded: after a timeout, the future is still settled when the thread returns.
        return await asyncio.shield(self._pending)

    def _collect(self, tick: int) -> Readings:
        if self._collector is None:
            self._collector = self._kind.make(self.facts)
        return self._collector.collect(tick)

    def _plan_next(self, tick: int, *, failed: bool) -> None:
        interval = self.facts.interval_seconds
        self._failures = self._failures + 1 if failed else 0
        if failed:
            pause = min(LONGEST_PAUSE, interval * 2.0**self._failures)
            self._due_at = tick + max(1.0, pause * random.uniform(0.5, 1))
        else:
            # Aligned to the interval, so that sources with equal intervals share their ticks.
            self._due_at = (tick // interval + 1) * interval


class Engine:
    """Runs all sources of a worker.

    Each source's thread calls `between` after each run, and `at_end` before it ends.
    """

    def __init__(
        self,
        between: Callable[[], None] = lambda: None,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._between = between
        self._at_end = at_end
        self._runners: dict[int, Runner] = {}
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._running: set[asyncio.Task[Outcome]] = set()

    def adopt(self, sources: Iterable[tuple[SourceFacts, Kind]]) -> None:
        """Run these sources from now on: start new, restart changed and end missing ones."""
        wanted = {facts.source_id: (facts, kind) for facts, kind in sources}
        for source_id, runner in list(self._runners.items()):
            if source_id not in wanted or runner.facts != wanted[source_id][0]:
                del self._runners[source_id]
                runner.end()
        for source_id, (facts, kind) in wanted.items():
            if source_id not in self._runners:
                thread = OwnThread(f"source-{source_id}", self._between, self._at_end)
                self._runners[source_id] = Runner(facts, kind, thread)

    async def tick(self, tick: int) -> list[Outcome]:
        """Start the sources due at `tick` (epoch seconds); return the outcomes available by now."""
        quick: set[asyncio.Task[Outcome]] = set()
        for runner in self._runners.values():
            if runner.due(tick):
                task = self._start(runner, tick)
                if not runner.slow:
                    quick.add(task)
        if quick:
            await asyncio.wait(quick, timeout=GRACE)
        done = {task for task in self._running if task.done()}
        self._running -= done
        return [task.result() for task in done if not task.cancelled()]

    async def close(self) -> None:
        """End all sources; a hung thread is left behind and ends with the process."""
        self.adopt([])
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    def _start(self, runner: Runner, tick: int) -> asyncio.Task[Outcome]:
        task = asyncio.get_running_loop().create_task(runner.run(tick, self._slots))
        runner.running = task
        task.add_done_callback(lambda _: setattr(runner, "running", None))
        self._running.add(task)
        return task


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
        future.exception()  # mark as retrieved: nobody may be waiting for it any more
