"""Sign-in attempts, each reserved before its password is checked (ADR 0022).

A name has a few tries per address block, and an address block has more of them for all names
together. Rows are always locked in the same order: address, name, name at the address.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import LoginTries, User
from realtime.errors import RateLimited
from realtime.streams.unit_of_work import unit_of_work

CLEAR_LOCKOUT = audit.action("clear_lockout", gettext_lazy("Lockout lifted"))
# These stand for all names (in the row of an address block) and all blocks (in that of a name).
ANY_NAME, ANY_BLOCK = "", "*"
# Periods for which failures from anywhere delay tries, and for which a block stays known.
COUNTED_FOR = timedelta(hours=1)
KNOWN_FOR = timedelta(days=90)
# From this many failures on, each one doubles the delay, which starts at FIRST_DELAY seconds.
FREE_FAILURES = 10
FIRST_DELAY = 0.25


class LockedOut(RateLimited):
    """There were too many tries; the next one is allowed at `until` (aware)."""

    def __init__(self, until: datetime, now: datetime) -> None:
        seconds = max(1.0, (until - now).total_seconds())
        super().__init__(_("Too many failed logins. Try again later."), retry_after=seconds)
        self.until = until


@dataclass(frozen=True)
class Try:
    """A reserved try; `left` more remain, and if none does, the lockout lasts until `until`."""

    subject: str
    block: str
    left: int
    until: datetime


def delay_of(*, subject: str, block: str, now: datetime | None = None) -> float:
    """Return the delay of a try in seconds, given the failures of this name over all addresses.

    There is no delay for a block from which the user has signed in recently.

    Raises:
        LockedOut: the try would be refused.
    """
    now = now or timezone.now()
    rows = {(row.subject, row.block): row for row in _rows(subject, block)}
    for (of, at), most in _limits(subject, block).items():
        row = rows.get((of, at))
        if row is not None and row.expires_at > now and row.tries >= most:
            raise LockedOut(row.expires_at, now)
    here, everywhere = rows.get((subject, block)), rows.get((subject, ANY_BLOCK))
    if here is not None and here.signed_in_at and here.signed_in_at > now - KNOWN_FOR:
        return 0.0
    if everywhere is None or everywhere.expires_at <= now or everywhere.tries < FREE_FAILURES:
        return 0.0
    doubled = min(everywhere.tries - FREE_FAILURES, 16)
    return float(min(settings.LOGIN_LIMITS["max_delay"], FIRST_DELAY * 2**doubled))


@unit_of_work
def reserve_try(*, subject: str, block: str, now: datetime | None = None) -> Try:
    """Count a try as failed, before its password is checked.

    Raises:
        LockedOut: none is left for this name at this address, or for the address.
    """
    now = now or timezone.now()
    limits = _limits(subject, block)
    _make_rows(_keys(subject, block), now)
    lockout = timedelta(seconds=settings.LOGIN_LIMITS["lockout"])
    # The window of the address starts at its first failure and is not extended by later ones.
    _take(ANY_NAME, block, limits[ANY_NAME, block], now, now + lockout, extend=False)
    _take(subject, ANY_BLOCK, None, now, now + COUNTED_FOR, extend=True)
    _take(subject, block, limits[subject, block], now, now + lockout, extend=True)
    row = LoginTries.objects.get(subject=subject, block=block)
    return Try(subject, block, limits[subject, block] - row.tries, row.expires_at)


@unit_of_work
def count_request(*, block: str, now: datetime | None = None) -> None:
    """Count an action, such as a reset mail, towards the tries of an address block.

    Raises:
        LockedOut: the address block has used up its tries.
    """
    now = now or timezone.now()
    _make_rows([(ANY_NAME, block)], now)
    lockout = timedelta(seconds=settings.LOGIN_LIMITS["lockout"])
    most = int(settings.LOGIN_LIMITS["tries_per_address"])
    _take(ANY_NAME, block, most, now, now + lockout, extend=False)


@unit_of_work
def return_try(taken: Try) -> None:
    """Undo a reservation: the password was right or was never checked."""
    for subject, block in _keys(taken.subject, taken.block):
        rows = LoginTries.objects.filter(subject=subject, block=block)
        rows.update(tries=Greatest(F("tries") - 1, 0))


@unit_of_work
def finish_try(taken: Try, *, now: datetime | None = None) -> None:
    """After a right password, reset the failures at the block and mark the block as known."""
    return_try(taken)
    here = LoginTries.objects.filter(subject=taken.subject, block=taken.block)
    here.update(tries=0, signed_in_at=now or timezone.now())


@unit_of_work
def clear_tries(*, user: User, record: bool = True) -> int:
    """Lift all lockouts of a user; return the number of address blocks that had failures.

    Args:
        record: whether to write an audit entry: an administrator did it.
    """
    if record:
        audit.record(CLEAR_LOCKOUT, user, workspace_id=None)
    rows = LoginTries.objects.filter(subject=subject_of_user(user), tries__gt=0)
    rows.filter(block=ANY_BLOCK).update(tries=0)
    return rows.exclude(block=ANY_BLOCK).update(tries=0)


def subject_of_user(user: User) -> str:
    return f"user:{user.pk}"


def _keys(subject: str, block: str) -> list[tuple[str, str]]:
    return [(ANY_NAME, block), (subject, ANY_BLOCK), (subject, block)]


def _limits(subject: str, block: str) -> dict[tuple[str, str], int]:
    limits = settings.LOGIN_LIMITS
    return {
        (ANY_NAME, block): int(limits["tries_per_address"]),
        (subject, block): int(limits["tries"]),
    }


def _rows(subject: str, block: str) -> list[LoginTries]:
    here = Q(subject__in=(ANY_NAME, subject), block=block)
    return list(LoginTries.objects.filter(here | Q(subject=subject, block=ANY_BLOCK)))


def _make_rows(keys: list[tuple[str, str]], now: datetime) -> None:
    new = [LoginTries(subject=of, block=at, expires_at=now) for of, at in keys]
    LoginTries.objects.bulk_create(new, ignore_conflicts=True)


def _take(
    subject: str, block: str, most: int | None, now: datetime, until: datetime, *, extend: bool
) -> None:
    """Count one try in a row, or refuse it; the UPDATE decides between concurrent tries."""
    row = LoginTries.objects.filter(subject=subject, block=block)
    free = row if most is None else row.filter(Q(expires_at__lte=now) | Q(tries__lt=most))
    over = Q(expires_at__lte=now)
    count = Case(When(over, then=Value(1)), default=F("tries") + 1)
    ends = until if extend else Case(When(over, then=Value(until)), default="expires_at")
    while not free.update(tries=count, expires_at=ends):
        if (full := row.first()) is not None:
            raise LockedOut(full.expires_at, now)
        # Retention has removed the row, which was over, since it was found.
        _make_rows([(subject, block)], now)
