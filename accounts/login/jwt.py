"""JWTs that end with the password they were obtained with."""

from __future__ import annotations

from typing import Any, cast

from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.models import User

PASSWORD_CLAIM = "pwd"


def issue(user: User) -> tuple[str, str]:
    """An access and a refresh token for `user`."""
    refresh = RefreshToken.for_user(user)
    refresh[PASSWORD_CLAIM] = password_mark(user)
    return str(refresh.access_token), str(refresh)


def refresh(raw: str) -> str | None:
    """A new access token; None when the refresh token or its user is no longer good."""
    try:
        token = RefreshToken(cast(Any, raw))
    except TokenError:
        return None
    return str(token.access_token) if _user_of(token) else None


def user_of(raw: str) -> User | None:
    """The active user that an access token was issued to; None when it is no longer good."""
    try:
        return _user_of(AccessToken(cast(Any, raw)))
    except TokenError:
        return None


def _user_of(token: Token) -> User | None:
    user_id = str(token.get("user_id", ""))
    if not user_id.isdecimal() or len(user_id) > 18:
        return None
    user = User.objects.filter(pk=int(user_id), is_active=True).first()
    if user is None:
        return None
    good = constant_time_compare(str(token.get(PASSWORD_CLAIM, "")), password_mark(user))
    return user if good else None


def password_mark(user: User) -> str:
    """A keyed hash of the stored hash: it changes with the password and tells nothing about it."""
    return user.get_session_auth_hash()[:32]
