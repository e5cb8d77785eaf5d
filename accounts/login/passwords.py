"""The one way to check a password, whatever asks for it: form, REST, confirmation (ADR 0022)."""

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
# Tries that are made to wait stand in a thread each: beyond this many they are told to come back.
MAX_DELAYED = 128
_delayed = threading.BoundedSemaphore(MAX_DELAYED)


class WrongPassword(Unauthenticated):
    """Name and password do not fit; `left` more tries may fail before a lockout."""

    def __init__(self, left: int) -> None:
        super().__init__(_("Wrong username or password."))
        self.left = left


@sensitive_variables("password")
def sign_in(name: str, password: str, address: str | None) -> User:
    """Return the active user of this name (username or email address) and password.

    Args:
        address: the client's IP address; None: unknown.

    Raises:
        LockedOut: there were too many tries, this one included.
        Unavailable: too many passwords are being checked.
        WrongPassword: no such user, not this password, or not active any more.
    """
    user = selectors.user_of_name(name)
    _check(user, _subject(user, name), password, address)
    assert user is not None
    return user


@sensitive_variables("password")
def confirm(user: User, password: str, address: str | None) -> None:
    """Check the password of somebody who is signed in; the same limits as for `sign_in`.

    Raises:
        LockedOut, Unavailable, WrongPassword: as `sign_in`.
    """
    _check(user, services.subject_of_user(user), password, address)


def block_of(address: str | None) -> str:
    """Return the address block that tries from `address` are counted under."""
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
        # As long as for a known name: the time must not tell which names there are.
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
    """Wait in this request's own thread, without a connection.

    Raises:
        Unavailable: too many wait already.
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
    """Return what tries are counted under: the user who is found, else the name as it folds."""
    if user is not None:
        return services.subject_of_user(user)
    # Not the name itself: people type passwords where names belong.
    return f"name:{hashlib.sha256(fold(name.strip()).encode(errors='replace')).hexdigest()[:32]}"
