"""Leases: at most one process runs a worker, and a former holder can no longer write.

The epoch is a fencing token that grows with each holder
(https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html).
Times come from the database, so the hosts' clocks need not agree.
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
    """Another process has taken over the worker; this one must not write any more."""


@dataclass(slots=True)
class HeldLease:
    """A lease as its holder sees it; `check` is the fence of a unit of work."""

    name: str
    epoch: int
    given_up: bool = field(default=False, init=False)

    def give_up(self) -> None:
        """Make every later `check` fail, in any thread; the lease stays held in the database."""
        self.given_up = True

    def check(self) -> None:
        """Lock the lease's row until the commit, so that no new epoch starts in between.

        Raises:
            LeaseLost: this epoch is no longer the newest, or was given up.
        """
        if self.given_up:
            raise LeaseLost(f"The lease {self.name!r} was given up.")
        current = Lease.objects.select_for_update().filter(name=self.name, epoch=self.epoch)
        if not current.exists():
            raise LeaseLost(f"The lease {self.name!r} has a new holder.")


def acquire(name: str, holder: str, previous: HeldLease | None = None) -> HeldLease | None:
    """Take the lease if it is free or has expired; return None while another process holds it.

    Args:
        previous: the caller's own earlier lease, which it gives up for a new epoch.

    Once this returns, everything that an earlier holder committed can be read, and that holder
    can commit nothing more. A transaction in which it has passed its `check` holds the row lock,
    so this UPDATE waits until the server has committed it or rolled it back, even if the client's
    connection is long gone.
    """
    free = Q(expires_at__lte=Now()) | Q(holder="")
    if previous is not None:
        free |= Q(epoch=previous.epoch)
    # Read first, to spare a write: standby processes try again and again.
    mine = Lease.objects.filter(name=name)
    if mine.exists() and not mine.filter(free).exists():
        return None
    with transaction.atomic():  # queues at SQLite's gate; see realtime.process.reporter
        Lease.objects.bulk_create([Lease(name=name, expires_at=Now())], ignore_conflicts=True)
        # One conditional UPDATE decides: of two concurrent callers, only one changes a row.
        taken = mine.filter(free).update(
            holder=holder, epoch=F("epoch") + 1, expires_at=Now() + DURATION
        )
        if not taken:
            return None
        return HeldLease(name, mine.values_list("epoch", flat=True).get())


@transaction.atomic  # queues at SQLite's gate, as above
def renew(lease: HeldLease) -> None:
    """Extend the lease by another `DURATION`.

    Raises:
        LeaseLost: it expired and another process took it.
    """
    renewed = Lease.objects.filter(name=lease.name, epoch=lease.epoch).update(
        expires_at=Now() + DURATION
    )
    if not renewed:
        raise LeaseLost(f"The lease {lease.name!r} has a new holder.")


def release(lease: HeldLease) -> None:
    """Give the lease back, so that the next holder need not wait for it to expire."""
    Lease.objects.filter(name=lease.name, epoch=lease.epoch).update(holder="", expires_at=Now())
