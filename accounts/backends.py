"""The authentication backend: login by username or email address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.login import passwords
from accounts.login.lockout import client_address
from accounts.models import User


class UsernameOrEmailBackend(ModelBackend):
    """Checks passwords with the same limits as the login page."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user; None if the name or password is wrong.

        Raises:
            LockedOut, Unavailable: as accounts.login.passwords.sign_in.
        """
        if username is None or password is None:
            return None
        address = client_address(request) if request is not None else None
        try:
            return passwords.sign_in(username, password, address)
        except passwords.WrongPassword:
            return None
