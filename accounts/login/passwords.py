"""Password checks, with the same limits for forms, REST and confirmations (ADR 0022)."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import make_password
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts import selectors, services
from accounts.folding import fold
from accounts.hashing import busy
from accounts.login import line
from accounts.models import User
from accounts.services.tries import LockedOut, Try
from realtime.addresses import address_block
from realtime.errors import Unauthenticated, Unavailable

UNKNOWN_BLOCK = "-"
# Each delayed attempt occupies a thread: attempts beyond this number are refused.
MAX_DELAYED = 128
_delayed = threading.BoundedSemaphore(MAX_DELAYED)


class WrongPassword(Unauthenticated):
    """The name or password is wrong; `left` attempts remain before a lockout."""

    def __init__(self, left: int) -> None:
        super().__init__(_("Wrong username or password."))
        self.left = left


@sensitive_variables("password")
def sign_in(name: str, password: str, address: str | None) -> User:
    """Return the active user with this name (username or email address) and password.

    Args:
        address: the client's IP address; None if unknown.

    Raises:
        LockedOut: there were too many attempts, including this one.
        Unavailable: too many passwords are being checked.
        WrongPassword: there is no such user, the password is wrong, or the user is not active.
    """
    user = selectors.user_of_name(name)
    _check(user, _subject(user, name), password, address)
    assert user is not None
    return user


@sensitive_variables("password")
def confirm(user: User, password: str, address: str | None) -> None:
    """Check the password of a signed-in user, with the limits of `sign_in`.

    Raises:
        LockedOut, Unavailable, WrongPassword: as `sign_in`.
    """
    _check(user, services.subject_of_user(user), password, address)


def block_of(address: str | None) -> str:
    """Return the address block under which attempts from `address` are counted."""
    return address_block(address) if address else UNKNOWN_BLOCK


@sensitive_variables("password")
def _check(user: User | None, subject: str, password: str, address: str | None) -> None:
    block = block_of(address)
    _hold_back(services.delay_of(subject=subject, block=block))
    with line.turn(block):
        taken = services.reserve_try(subject=subject, block=block)
        with _returned_unless_checked(taken):
            good = _fits(user, password)
        if good:
            services.finish_try(taken)
        elif taken.left <= 0:
            raise LockedOut(taken.until, timezone.now())
        else:
            raise WrongPassword(taken.left)


@sensitive_variables("password")
def _fits(user: User | None, password: str) -> bool:
    if user is None:
        # Takes as long as for an existing name, so that the time does not reveal which names exist.
        make_password(password)
        return False
    return user.check_password(password) and user.is_active


@contextmanager
def _returned_unless_checked(taken: Try) -> Iterator[None]:
    try:
        yield
    except Unavailable:
        services.return_try(taken)
        raise


def _hold_back(seconds: float) -> None:
    """Wait in this request's own thread, without a database connection.

    Raises:
        Unavailable: too many requests are waiting.
    """
    if not seconds:
        return
    if not _delayed.acquire(blocking=False):
        raise busy()
    try:
        line.give_back_connection()
        time.sleep(seconds)
    finally:
        _delayed.release()


def _subject(user: User | None, name: str) -> str:
    """Return the key under which attempts are counted: the user found, else the folded name."""
    if user is not None:
        return services.subject_of_user(user)
    # Hashed, because users sometimes type a password into the name field.
    return f"name:{hashlib.sha256(fold(name.strip()).encode(errors='replace')).hexdigest()[:32]}"
