"""Runs workers by name, inside the web process or in processes of their own.

The loop holds the worker's lease, paces its steps, and discards the instance after any error,
because its state may be wrong. After a database error a new instance starts from the committed
state; a lost lease or a bug ends the run.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any

from realtime.database import fences, threads
from realtime.database.threads import DATABASE_AWAY
from realtime.process import reporter
from realtime.workers import leases
from realtime.workers.leases import DURATION, HeldLease, LeaseLost
from realtime.workers.paces import pause
from realtime.workers.worker import Worker, lease_names

logger = logging.getLogger(__name__)

RENEW_EVERY = DURATION.total_seconds() / 3
ACQUIRE_EVERY = 2.0
MAX_BACKOFF = 30.0


async def run(worker_type: type[Worker], stopping: asyncio.Event) -> None:
    """Run one worker until `stopping` is set: wait for a lease, step, renew, release.

    Call it once for each slot that should run in this process.

    Each instance has its own epoch, so a new one starts only after every transaction of the
    previous one has been committed or rolled back (realtime.workers.leases.acquire).

    Raises:
        LeaseLost: another process has taken over.
        Exception: a step raised an error that is not DATABASE_AWAY.
    """
    lease: HeldLease | None = None
    failures = 0
    try:
        while acquired := await _acquire(worker_type, stopping, lease):
            lease = acquired
            instance = _Instance(worker_type, lease)
            try:
                await instance.run(stopping)
            except DATABASE_AWAY as error:
                failures = 1 if instance.stepped else failures + 1
                logger.warning("The worker %s begins anew: %s", worker_type.name, error)
                await pause(backoff(failures), stopping)
    finally:
        if lease is not None:
            await _release(lease)


class _Instance:
    """A worker object, from taking its lease to stopping."""

    def __init__(self, worker_type: type[Worker], lease: HeldLease) -> None:
        self._lease = lease
        # Everything that the worker runs is fenced; the renewal of its lease is not.
        self._context = fences.context_of(lease)
        self._worker = self._context.run(worker_type, lease)
        self._failures = 0
        self.stepped = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Step until told to stop; raises the error that ended it earlier."""
        loop = asyncio.get_running_loop()
        renewing = loop.create_task(_keep_renewing(self._lease, type(self._worker)))
        stepping = loop.create_task(self._step_until(stopping), context=self._context)
        try:
            await asyncio.wait({renewing, stepping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stepping, renewing):
                task.cancel()
            results = await asyncio.gather(stepping, renewing, return_exceptions=True)
            error = next((r for r in results if isinstance(r, Exception)), None)
            ending = self._stop(failed=error is not None)
            await loop.create_task(ending, context=self._context)
        if error is not None:
            raise error

    async def _step_until(self, stopping: asyncio.Event) -> None:
        worker = self._worker
        while not await self._done(worker.start, stopping):
            if stopping.is_set():
                return
        async with aclosing(worker.pace.ticks(stopping)) as ticks:
            async for worker.tick in ticks:
                if await self._done(worker.step, stopping):
                    self.stepped = True

    async def _done(
        self, part: Callable[[], Coroutine[Any, Any, None]], stopping: asyncio.Event
    ) -> bool:
        """Run this part of the worker; return False after a pause if the database was down.

        Re-raises the database error if the worker's steps are not idempotent.
        """
        try:
            await part()
        except DATABASE_AWAY as error:
            if not self._worker.idempotent_steps:
                raise
            self._failures += 1
            logger.warning("The worker %s could not do its step: %s", self._worker.name, error)
            await pause(backoff(self._failures), stopping)
            return False
        self._failures = 0
        return True

    async def _stop(self, *, failed: bool) -> None:
        if not failed:
            await self._worker.stop()
            return
        # Its state may be wrong, and one of its threads may still be running.
        self._lease.give_up()
        try:
            await self._worker.stop()
        except Exception as error:  # noqa: BLE001 - the error that ended the worker is raised instead
            logger.warning("The worker %s did not end well: %r", self._worker.name, error)


async def run_supervised(worker_type: type[Worker], stopping: asyncio.Event) -> None:
    """Run a worker in a process that must not end with it: restart it whenever it ends."""
    failures = 0
    while not stopping.is_set():
        began = time.monotonic()
        try:
            await run(worker_type, stopping)
        except LeaseLost as error:
            logger.warning("%s", error)
        except Exception:
            logger.exception("The worker %s failed; it begins anew", worker_type.name)
        failures = 0 if time.monotonic() - began > MAX_BACKOFF else failures + 1
        await pause(backoff(failures), stopping)


def backoff(failures: int) -> float:
    """Return the seconds to wait before a retry: full jitter below 0.5 s · 2ⁿ, at most 30 s."""
    return random.uniform(0.1, min(MAX_BACKOFF, 0.5 * 2 ** min(failures, 10)))


async def _acquire(
    worker_type: type[Worker], stopping: asyncio.Event, previous: HeldLease | None
) -> HeldLease | None:
    names = lease_names(worker_type) if previous is None else [previous.name]
    while not stopping.is_set():
        try:
            lease = await threads.call(_acquire_any, names, previous)
        except DATABASE_AWAY as error:
            logger.warning("The worker %s waits for the database: %s", worker_type.name, error)
            lease = None
        if lease is not None:
            return lease
        await pause(ACQUIRE_EVERY, stopping)
    return None


def _acquire_any(names: Sequence[str], previous: HeldLease | None) -> HeldLease | None:
    """Acquire the first available of these leases, tried in random order."""
    for name in random.sample(names, len(names)):
        if lease := leases.acquire(name, reporter.PROCESS_ID, previous):
            return lease
    return None


async def _keep_renewing(lease: HeldLease, worker_type: type[Worker]) -> None:
    held_until = time.monotonic() + DURATION.total_seconds()
    while True:
        await asyncio.sleep(RENEW_EVERY * random.uniform(0.8, 1.0))
        try:
            await threads.call(leases.renew, lease)
            held_until = time.monotonic() + DURATION.total_seconds()
        except DATABASE_AWAY as error:
            logger.warning("The lease %s cannot be renewed: %s", lease.name, error)
            if time.monotonic() > held_until and not worker_type.rides_out_outages:
                raise LeaseLost(f"The lease {lease.name!r} has run out.") from error


async def _release(lease: HeldLease) -> None:
    try:
        await threads.call(leases.release, lease)
    except DATABASE_AWAY as error:
        logger.warning("The lease %s was not given back: %s", lease.name, error)
