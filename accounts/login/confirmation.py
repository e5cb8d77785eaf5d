"""Asks for the password again before actions that a stolen session must not perform.

A user who has signed in or typed the password within RECENT seconds is not asked again.
"""

from __future__ import annotations

import time

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from accounts.login import passwords
from accounts.login.lockout import client_address
from accounts.models import User

RECENT = 600.0
_KEY = "confirmed_at"


def note(session: SessionBase) -> None:
    """Remember that the password was typed just now."""
    session[_KEY] = time.time()


def is_recent(session: SessionBase) -> bool:
    """Return whether the password was typed in this session within RECENT seconds."""
    confirmed_at = session.get(_KEY)
    return isinstance(confirmed_at, float) and 0 <= time.time() - confirmed_at < RECENT


def confirm(request: HttpRequest, user: User, password: str) -> None:
    """Check the password of the signed-in user, and remember that they knew it.

    Raises:
        LockedOut, Unavailable, WrongPassword: as accounts.login.passwords.confirm.
    """
    passwords.confirm(user, password, client_address(request))
    note(request.session)
