"""Keeps disk usage bounded: removes expired rows in small batches.

Each app registers an `Expiry` for each kind of rows that it keeps for a limited time. One worker,
`retention`, runs all of them once a minute, in small transactions that do not hold up writers.
"""

from __future__ import annotations

import time
from typing import ClassVar

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, F, Max, Q
from django.db.models.functions import Now

from realtime.models import InboxEntry, LoggedEvent, Stream
from realtime.registries import Registry, qualified_name
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers.leases import HeldLease
from realtime.workers.paces import Every
from realtime.workers.worker import Worker, register

BATCH = 2000


class Expiry:
    """One kind of rows that are kept for a limited time. Its methods are synchronous."""

    def begin(self) -> None:
        """Begin a pass: find out which rows may be removed."""

    def remove_some(self) -> bool:
        """Remove one batch in its own transaction; return False when nothing is left to remove."""
        raise NotImplementedError


registry: Registry[type[Expiry]] = Registry("expiry", name_of=qualified_name)
# Registers an Expiry with the worker. Usable as a decorator.
keep_for_a_time = registry.register


@register
class Retention(Worker):
    """Removes rows past their retention: samples, rollups, events, settled commands."""

    name = "retention"
    pace = Every(1.0)
    PASS_EVERY: ClassVar[float] = 60.0
    # In seconds: a step ends within about this time, so that the process can stop.
    BUDGET: ClassVar[float] = 1.0

    def __init__(self, lease: HeldLease) -> None:
        super().__init__(lease)
        self._all = [expiry() for expiry in registry]
        self._unfinished: list[Expiry] = []
        self._next_pass = float("-inf")

    async def step(self) -> None:
        began = time.monotonic()
        if not self._unfinished and began >= self._next_pass:
            for expiry in self._all:
                await self.call(expiry.begin)
            self._unfinished = list(self._all)
            self._next_pass = began + self.PASS_EVERY
        while self._unfinished and time.monotonic() - began < self.BUDGET:
            if not await self.call(self._unfinished[-1].remove_some):
                self._unfinished.pop()


@keep_for_a_time
class EventExpiry(Expiry):
    """Events of log streams, after settings.EVENT_RETENTION; raises the stream's floor first.

    A client whose position is below the floor is told so and gets a snapshot
    (docs/protocol/resuming.md).
    """

    def begin(self) -> None:
        old = LoggedEvent.objects.filter(created_at__lt=Now() - settings.EVENT_RETENTION)
        floors = old.values("stream").annotate(floor=Max("offset")).values_list("stream", "floor")
        for stream_id, floor in floors:
            with unit_of_work():
                Stream.objects.filter(pk=stream_id, floor__lt=floor).update(floor=floor)

    def remove_some(self) -> bool:
        below = LoggedEvent.objects.filter(offset__lte=F("stream__floor"))
        with unit_of_work():
            batch = list(below.values_list("pk", flat=True)[:BATCH])
            LoggedEvent.objects.filter(pk__in=batch).delete()
        return len(batch) == BATCH


@keep_for_a_time
class InboxExpiry(Expiry):
    """Entries of inboxes, settings.INBOX_RETENTION after they were settled; never a waiting one.

    A pass goes by id, which needs no extra index, and ends with the first batch whose last entry
    is too young.
    """

    def __init__(self) -> None:
        self._after = 0

    def begin(self) -> None:
        self._after = 0

    def remove_some(self) -> bool:
        old = Q(created_at__lt=Now() - settings.INBOX_RETENTION)
        settled = Q(done_at__lt=Now() - settings.INBOX_RETENTION)
        rows = (
            InboxEntry.objects.filter(pk__gt=self._after)
            .order_by("pk")
            .annotate(
                old=ExpressionWrapper(old, BooleanField()),
                due=ExpressionWrapper(Q(done_at__isnull=False) & settled, BooleanField()),
            )
        )
        batch = list(rows.values_list("pk", "old", "due")[:BATCH])
        due = [pk for pk, _, is_due in batch if is_due]
        if due:
            with unit_of_work():
                InboxEntry.objects.filter(pk__in=due).delete()
        self._after = batch[-1][0] if batch else 0
        return len(batch) == BATCH and batch[-1][1]
