"""The base class of workers, and their registry. realtime.workers.loop runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, ParamSpec, TypeVar

from django.db.models.functions import Now

from realtime.database import threads
from realtime.models import Lease
from realtime.registries import Registry
from realtime.workers.leases import HeldLease
from realtime.workers.paces import Every, OnWake, Pace

P = ParamSpec("P")
R = TypeVar("R")


class Worker:
    """One background duty. Subclasses set `name` and `pace` and write `step`.

    `pace`: when the next step is due (workers.paces); `tick` is the time of the current one, in
    epoch seconds.

    `slots`: how many may run at once, each with its own lease; they must take their work from a
    shared inbox (realtime.workers.inbox), or tolerate doing the same work twice.

    `idempotent_steps`: after a database error the same instance repeats its step. Only for a step
    that can safely run twice, with nothing in memory that depends on whether it was committed.
    Any other worker is replaced by a new instance.

    `rides_out_outages`: keep running when the lease cannot be renewed because the database does
    not answer; the fence still refuses a later commit if another process has taken over meanwhile.
    """

    name: ClassVar[str]
    pace: ClassVar[Pace] = Every(1.0)
    slots: ClassVar[int] = 1
    idempotent_steps: ClassVar[bool] = False
    rides_out_outages: ClassVar[bool] = False

    def __init__(self, lease: HeldLease) -> None:
        self.lease = lease
        self.tick = 0

    async def start(self) -> None:
        """Called once before the first step: load the state from the database."""

    async def step(self) -> None:
        """Do what is due now."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Called once after the last step. If the worker failed, it can no longer write."""

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a synchronous service or selector in a service thread."""
        return await threads.call(function, *args, **kwargs)


registry: Registry[type[Worker]] = Registry("worker")


def register(worker: type[Worker]) -> type[Worker]:
    """Register a worker under its name. Usable as a decorator.

    Raises:
        ValueError: another class has that name, or the worker has several slots and its inbox is
            not shared.
    """
    pace = worker.pace
    if worker.slots > 1 and isinstance(pace, OnWake) and not pace.inbox.shared:
        raise ValueError(f"The slots of {worker.name!r} need a shared inbox.")
    return registry.register(worker)


def registered() -> dict[str, type[Worker]]:
    """Return all workers by name."""
    return {name: registry[name] for name in registry.names()}


def states() -> dict[str, str]:
    """Return "running" or "stopped" by worker; one leased slot is enough (synchronous)."""
    held = Lease.objects.filter(expires_at__gt=Now()).exclude(holder="")
    running = set(held.values_list("name", flat=True))
    return {
        name: "running" if running.intersection(lease_names(worker)) else "stopped"
        for name, worker in registered().items()
    }


def lease_names(worker: type[Worker]) -> list[str]:
    """Return the names of a worker's leases, one for each slot."""
    if worker.slots == 1:
        return [worker.name]
    return [f"{worker.name}:{slot}" for slot in range(worker.slots)]
