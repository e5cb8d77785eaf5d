"""Authentication and revocation of sockets: credentials in, a principal out.

This layer knows neither users nor tokens: the function named by settings.REALTIME_AUTHENTICATE
turns credentials into a principal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from realtime.streams import publish


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a client, at most one of the first three; `workspace` is the slug it wants."""

    session_key: str | None = None
    bearer: str | None = None
    ticket: str | None = None
    workspace: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user in one workspace, with their role there.

    `session_key`, `token_id` and `refresh_id` identify the login, so that ending it ends its
    sockets. `password_mark` is set if it is a login by JWT: it ends when the password that it was
    made with changes. `expires_at` (Unix time in seconds) is when its token expires.
    """

    user_id: int
    username: str
    is_staff: bool
    workspace_id: int
    workspace: str
    role: str
    session_key: str | None = None
    token_id: int | None = None
    password_mark: str | None = None
    refresh_id: int | None = None
    expires_at: float | None = None

    def expired(self, now: float) -> bool:
        """Whether the login's token has expired at `now` (Unix time in seconds)."""
        return self.expires_at is not None and now >= self.expires_at


Authenticate = Callable[[Credentials], "Principal | None"]
AuthenticateSessions = Callable[[Sequence[Credentials]], Sequence["Principal | None"]]
Recheck = Callable[[Sequence["Principal"]], Mapping["Principal", "Principal | None"]]


@cache
def authenticator() -> Authenticate:
    """Return the installation's authenticate function: synchronous, None means refused."""
    return cast(Authenticate, import_string(settings.REALTIME_AUTHENTICATE))


@cache
def session_authenticator() -> AuthenticateSessions:
    """Return the function for many sessions: credentials with session keys, answered in order."""
    return cast(AuthenticateSessions, import_string(settings.REALTIME_AUTHENTICATE_SESSIONS))


@cache
def rechecker() -> Recheck:
    """Return the installation's recheck function: synchronous, the current state of each principal.

    An unchanged principal is returned as it is, one with other rights is returned with those, and
    one whose session, token, membership or user has ended becomes None.
    """
    return cast(Recheck, import_string(settings.REALTIME_RECHECK))


def revoke(
    *,
    user_id: int | None = None,
    session_key: str | None = None,
    token_id: int | None = None,
    workspace_id: int | None = None,
    refresh_id: int | None = None,
) -> None:
    """Close the sockets that match all criteria, on every process, with 4500.

    Sent on commit when called inside a transaction.

    Args:
        user_id: sockets of this user.
        session_key: sockets opened with this session.
        token_id: sockets opened with this API token.
        workspace_id: sockets in this workspace (with user_id: a removed member).
        refresh_id: sockets opened with an access token that was made from this refresh token.

    Raises:
        ValueError: no criterion was given, which would mean all users.
    """
    publish.publish_control(
        "revoke",
        _criteria(
            user_id=user_id,
            session_key=session_key,
            token_id=token_id,
            workspace_id=workspace_id,
            refresh_id=refresh_id,
        ),
    )


def reauthorize(*, user_id: int, workspace_id: int | None = None) -> None:
    """Close a user's sockets with 4010, on commit, so that they reconnect with their new rights.

    For a changed role: clients that are still allowed reconnect by themselves and resume.
    """
    publish.publish_control("reauthorize", _criteria(user_id=user_id, workspace_id=workspace_id))


def _criteria(**given: int | str | None) -> dict[str, int | str]:
    criteria = {name: value for name, value in given.items() if value is not None}
    if not criteria:
        raise ValueError("revoke() needs a user, a session, a token or a workspace.")
    return criteria
