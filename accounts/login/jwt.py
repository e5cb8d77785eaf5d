"""JWTs: short-lived access tokens, each made from a refresh token that is a row in the database.

They end when the password changes or when the row is deleted (ADR 0023).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from django.utils.crypto import constant_time_compare
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, Token
from rest_framework_simplejwt.tokens import RefreshToken as RefreshJWT

from accounts import services
from accounts.models import RefreshToken, User

PASSWORD_CLAIM = "pwd"
LOGIN_CLAIM = "login"


@dataclass(frozen=True)
class Issued:
    """Tokens for their owner, with their lifetimes in seconds."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: int
    refresh_expires_in: int


@dataclass(frozen=True)
class JwtLogin:
    """The user of an access token, its refresh token, and when the access token expires."""

    user: User
    refresh: RefreshToken
    expires_at: datetime


def issue(user: User, *, address: str | None = None, user_agent: str = "") -> Issued:
    """Sign a program in as `user`; return an access token and a refresh token."""
    refresh = RefreshJWT.for_user(user)
    services.record_refresh_token(
        user_id=user.pk,
        jti=refresh["jti"],
        expires_at=_expiry(refresh),
        address=address,
        user_agent=user_agent,
    )
    refresh[PASSWORD_CLAIM] = password_mark(user)
    refresh[LOGIN_CLAIM] = refresh["jti"]
    access = refresh.access_token
    return Issued(str(access), str(refresh), _seconds(access), _seconds(refresh))


def refresh(raw: str, *, address: str | None = None, user_agent: str = "") -> Issued | None:
    """Return a new access token; None if the refresh token or its user is no longer valid.

    The refresh token stays the same until it expires.
    """
    try:
        token = RefreshJWT(cast(Any, raw))
    except TokenError:
        return None
    row = _row_of(token)
    if row is None:
        return None
    services.record_refresh(token_id=row.pk, address=address, user_agent=user_agent)
    access = token.access_token
    return Issued(str(access), raw, _seconds(access), _seconds(token))


def login_of(raw: str) -> JwtLogin | None:
    """Return the login of an access token; None if it is no longer valid."""
    try:
        token = AccessToken(cast(Any, raw))
    except TokenError:
        return None
    row = _row_of(token)
    return JwtLogin(row.user, row, _expiry(token)) if row else None


def _row_of(token: Token) -> RefreshToken | None:
    user_id = str(token.get("user_id", ""))
    if not user_id.isdecimal() or len(user_id) > 18:
        return None
    row = (
        RefreshToken.objects.select_related("user")
        .filter(jti=str(token.get(LOGIN_CLAIM, "")), user_id=int(user_id), user__is_active=True)
        .first()
    )
    if row is None:
        return None
    shown = str(token.get(PASSWORD_CLAIM, ""))
    return row if constant_time_compare(shown, password_mark(row.user)) else None


def password_mark(user: User) -> str:
    """Return a keyed hash of the stored hash: it changes with the password and reveals nothing."""
    return user.get_session_auth_hash()[:32]


def _expiry(token: Token) -> datetime:
    return datetime.fromtimestamp(token["exp"], UTC)


def _seconds(token: Token) -> int:
    assert token.lifetime is not None
    return int(token.lifetime.total_seconds())
