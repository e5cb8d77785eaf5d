"""Workers of this app: collectors and simulator."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import ClassVar

from django.db import DatabaseError, InterfaceError, connections

from dashboard import selectors
from dashboard.collection.delivery import Delivery
from dashboard.collection.engine import Engine
from dashboard.models import Source
from dashboard.source_kinds import SourceFacts, kind_named, kinds
from realtime.workers.leases import HeldLease
from realtime.workers.paces import Aligned
from realtime.workers.worker import Worker, register

logger = logging.getLogger(__name__)

RELOAD_EVERY = 2.0


class CollectionWorker(Worker):
    """Runs the sources of some kinds at whole seconds; see dashboard.collection.

    Picks up changes made in the admin within two seconds.
    """

    pace = Aligned(1)
    # Storing a sample twice changes nothing.
    idempotent_steps = True
    rides_out_outages = True
    simulated: ClassVar[bool]

    def __init__(self, lease: HeldLease) -> None:
        super().__init__(lease)
        self._kinds = [kind.name for kind in kinds() if kind.simulated == self.simulated]
        self._engine = Engine(between=_give_connections_back, at_end=connections.close_all)
        self._delivery = Delivery()
        self._reloading: asyncio.Task[None] | None = None
        self._reloaded_at = float("-inf")

    async def start(self) -> None:
        await self._reload()

    async def step(self) -> None:
        if (failure := self._delivery.failure()) is not None:
            raise failure
        if self._reloading is None and time.monotonic() - self._reloaded_at > RELOAD_EVERY:
            self._reloading = asyncio.get_running_loop().create_task(self._reload())
        self._delivery.take(await self._engine.tick(self.tick))

    async def stop(self) -> None:
        if self._reloading is not None:
            self._reloading.cancel()
        await self._engine.close()
        await self._delivery.flush(within=3)

    async def _reload(self) -> None:
        """Read the collection plan; if the database is away, the last plan stays."""
        try:
            plan = await self.call(selectors.collection_plan, self._kinds)
        except (DatabaseError, InterfaceError):
            if self._reloading is None:
                raise
        else:
            self._delivery.adopt(plan)
            self._engine.adopt((_facts(s), kind_named(s.kind)) for s in plan.sources)
        finally:
            self._reloading = None
            self._reloaded_at = time.monotonic()


@register
class Collectors(CollectionWorker):
    """Reads all enabled sources except the simulated ones."""

    name = "collectors"
    simulated = False


@register
class MetricsSimulator(CollectionWorker):
    """Makes up the readings of simulated sources."""

    name = "metrics-simulator"
    simulated = True


def _facts(source: Source) -> SourceFacts:
    return SourceFacts(source.pk, source.workspace_id, source.name, source.interval_seconds)


def _give_connections_back() -> None:
    """Return the thread's connections to the pool; keeps SQLite's, which are expensive to open."""
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            connection.close_if_unusable_or_obsolete()
        else:
            connection.close()
