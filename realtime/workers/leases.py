"""Leases: at most one process runs a worker, and a former holder cannot write any more.

The epoch is a fencing token that grows with each holder
(https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html).
Times are the database's, so the clocks of hosts need not agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from realtime.models import Lease

DURATION = timedelta(seconds=15)


class LeaseLost(RuntimeError):
    """Another process has taken the worker over: this one must write nothing more."""


@dataclass(slots=True)
class HeldLease:
    """A lease as its holder knows it; `check` is the fence of a unit of work."""

    name: str
    epoch: int
    given_up: bool = field(default=False, init=False)

    def give_up(self) -> None:
        """Have every later `check` fail, in any thread; in the database the lease stays held."""
        self.given_up = True

    def check(self) -> None:
        """Hold the lease's row until the commit, so that a new epoch comes before it or after it.

        Raises:
            LeaseLost: this epoch is not the newest any more, or was given up.
        """
        if self.given_up:
            raise LeaseLost(f"The lease {self.name!r} was given up.")
        current = Lease.objects.select_for_update().filter(name=self.name, epoch=self.epoch)
        if not current.exists():
            raise LeaseLost(f"The lease {self.name!r} has a new holder.")


def acquire(name: str, holder: str, previous: HeldLease | None = None) -> HeldLease | None:
    """Take the lease if it is free or has run out; None while another process holds it.

    Args:
        previous: the caller's own earlier hold, which it gives up for a new epoch.

    Whatever an earlier holder committed can be read once this has returned, and nothing of it
    can be committed any more. A transaction in which that holder has passed its `check` holds
    the row, so this UPDATE waits until the server has committed it or rolled it back, also when
    the client's connection is long gone.
    """
    free = Q(expires_at__lte=Now()) | Q(holder="")
    if previous is not None:
        free |= Q(epoch=previous.epoch)
    # Looked at first: processes that stand by ask again and again.
    mine = Lease.objects.filter(name=name)
    if mine.exists() and not mine.filter(free).exists():
        return None
    with transaction.atomic():  # queued at SQLite's gate, see realtime.process.reporter
        Lease.objects.bulk_create([Lease(name=name, expires_at=Now())], ignore_conflicts=True)
        # One conditional UPDATE decides: of two that ask at once, one changes a row.
        taken = mine.filter(free).update(
            holder=holder, epoch=F("epoch") + 1, expires_at=Now() + DURATION
        )
        if not taken:
            return None
        return HeldLease(name, mine.values_list("epoch", flat=True).get())


@transaction.atomic  # as above
def renew(lease: HeldLease) -> None:
    """Hold it for another while.

    Raises:
        LeaseLost: it ran out and another process took it.
    """
    renewed = Lease.objects.filter(name=lease.name, epoch=lease.epoch).update(
        expires_at=Now() + DURATION
    )
    if not renewed:
        raise LeaseLost(f"The lease {lease.name!r} has a new holder.")


def release(lease: HeldLease) -> None:
    """Give it back, so that the next holder need not wait for it to run out."""
    Lease.objects.filter(name=lease.name, epoch=lease.epoch).update(holder="", expires_at=Now())
