"""Authentication by sessions, JWTs, API tokens and tickets, for sockets and REST."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import keys, selectors, services
from accounts.login import jwt, session_rows
from accounts.login.activity import recent_use
from accounts.login.session_rows import MembershipRow
from accounts.models import ApiToken, Membership, RefreshToken, User
from realtime.auth import Credentials, Principal
from realtime.errors import NotFound


@dataclass(frozen=True)
class Login:
    """A user and their credentials; an API token limits them to its workspace.

    `expires_at` is when the given token expires, if it does.
    """

    user: User
    session_key: str | None = None
    token: ApiToken | None = None
    refresh: RefreshToken | None = None
    expires_at: datetime | None = None

    @property
    def key(self) -> tuple[int, int | None, int | None]:
        """Return the key of this login in `recent_use`."""
        token, refresh = self.token, self.refresh
        return self.user.pk, token.pk if token else None, refresh.pk if refresh else None


def authenticate(credentials: Credentials) -> Principal | None:
    """Return the principal of a socket; None if the credentials or the workspace are refused.

    Synchronous, with a few queries, and at most once a minute a write of "last seen". A ticket is
    used up even if its user is refused.
    """
    principal = _identify(credentials)
    if principal and recent_use.is_due(
        (principal.user_id, principal.token_id, principal.refresh_id)
    ):
        services.touch([principal])
    return principal


def _identify(credentials: Credentials) -> Principal | None:
    if credentials.ticket is not None:
        return _by_ticket(credentials.ticket, credentials.workspace)
    if credentials.bearer is not None:
        login = login_by_bearer(credentials.bearer)
    elif credentials.session_key is not None:
        login = login_by_session(credentials.session_key)
    else:
        return None
    return _principal(login, credentials.workspace) if login else None


def login_by_bearer(secret: str) -> Login | None:
    """Return the login of an API token (`pw_…`) or a JWT access token; None if it is not valid."""
    if secret.startswith(keys.API_TOKEN_PREFIX):
        token = (
            ApiToken.objects.select_related("user", "workspace")
            .filter(hash=keys.digest(secret), user__is_active=True)
            .first()
        )
        good = token is not None and token.state() == "active"
        if token is None or not good:
            return None
        return Login(user=token.user, token=token, expires_at=token.expires_at)
    login = jwt.login_of(secret)
    return Login(login.user, refresh=login.refresh, expires_at=login.expires_at) if login else None


def login_by_session(session_key: str) -> Login | None:
    """Return the login of a session cookie, by the rules of django.contrib.auth.get_user."""
    if not session_key.isalnum():
        return None
    session = _session_store(session_key)
    user_id = session.get(SESSION_KEY)
    if user_id is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not _is_of_password(session.get(HASH_SESSION_KEY, ""), user):
        return None
    return Login(user=user, session_key=session_key)


def _session_store(session_key: str | None = None) -> SessionBase:
    store: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return store


def authenticate_sessions(shown: Sequence[Credentials]) -> list[Principal | None]:
    """Return the principals of these sessions, in order; None for each that is refused.

    Applies the rules of `authenticate` in two queries for all sessions, so that many clients that
    reconnect after a restart wait for the database once. Does not update "last seen": open
    sockets do that every minute.
    """
    opened = _logins_in({credentials.session_key for credentials in shown})
    memberships: defaultdict[int, list[MembershipRow]] = defaultdict(list)
    for row in session_rows.memberships({int(data[SESSION_KEY]) for data in opened.values()}):
        memberships[row.user_id].append(row)
    owner = User()

    def principal(credentials: Credentials) -> Principal | None:
        data = opened.get(credentials.session_key)
        if data is None:
            return None
        for row in memberships[int(data[SESSION_KEY])]:
            if credentials.workspace in (None, "", row.workspace):
                owner.password, owner.kept_auth_hash = row.password, row.kept_auth_hash
                good = _is_of_password(data.get(HASH_SESSION_KEY, ""), owner)
                return _principal_in(row, credentials.session_key) if good else None
        return None

    return [principal(credentials) for credentials in shown]


def _logins_in(keys: Set[str | None]) -> dict[str | None, dict[str, Any]]:
    """Return the data of those of these sessions that have not expired and belong to a user."""
    decode = _session_store().decode
    rows = session_rows.session_data([key for key in keys if key and key.isalnum()])
    opened = {key: decode(encoded) for key, encoded in rows}
    return {key: data for key, data in opened.items() if _is_login(data)}


def _principal_in(row: MembershipRow, session_key: str | None) -> Principal:
    return Principal(
        user_id=row.user_id,
        username=row.username,
        is_staff=bool(row.is_staff),
        workspace_id=row.workspace_id,
        workspace=row.workspace,
        role=row.role,
        session_key=session_key,
    )


def _is_login(data: dict[str, Any]) -> bool:
    return SESSION_KEY in data and data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS


def recheck(principals: Sequence[Principal]) -> dict[Principal, Principal | None]:
    """Map the principals of open sockets to current ones: unchanged, with new rights, or None.

    Finds changes that were never announced: expired sessions and tokens, rows deleted by hand,
    revocations whose message was lost. Four queries, however many principals there are.
    """
    memberships = {
        (membership.user_id, membership.workspace_id): membership
        for membership in Membership.objects.filter(
            user_id__in={principal.user_id for principal in principals},
            workspace_id__in={principal.workspace_id for principal in principals},
            user__is_active=True,
        ).select_related("user", "workspace")
    }
    keys = {p.session_key for p in principals if p.session_key is not None}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    shown = {session.session_key: session.get_decoded() for session in sessions}
    tokens = ApiToken.objects.in_bulk({p.token_id for p in principals if p.token_id is not None})
    refreshable = set(
        RefreshToken.objects.filter(
            pk__in={p.refresh_id for p in principals if p.refresh_id is not None}
        ).values_list("pk", flat=True)
    )

    def now(principal: Principal) -> Principal | None:
        membership = memberships.get((principal.user_id, principal.workspace_id))
        if membership is None or not _still_opens(principal, membership.user, shown, tokens):
            return None
        refresh_ended = principal.refresh_id not in (None, *refreshable)
        if refresh_ended or principal.expired(time.time()):
            return None
        return replace(
            principal,
            username=membership.user.username,
            is_staff=membership.user.is_staff,
            workspace=membership.workspace.slug,
            role=membership.role,
        )

    return {principal: now(principal) for principal in principals}


def _still_opens(
    principal: Principal,
    user: User,
    sessions: Mapping[str, Mapping[str, Any]],
    tokens: Mapping[int, ApiToken],
) -> bool:
    """Return whether the credentials of an open socket would still open one."""
    if principal.session_key is not None:
        data = sessions.get(principal.session_key, {})
        if data.get(SESSION_KEY) != str(principal.user_id):
            return False
        if not _is_of_password(data.get(HASH_SESSION_KEY, ""), user):
            return False
    if principal.token_id is not None:
        token = tokens.get(principal.token_id)
        if token is None or token.state() != "active":
            return False
    by_jwt = principal.session_key is None and principal.token_id is None
    return not by_jwt or principal.password_mark == jwt.password_mark(user)


def _is_of_password(shown: str, user: User) -> bool:
    """Return whether a session was started with the user's current password."""
    return constant_time_compare(shown, user.get_session_auth_hash()) or any(
        constant_time_compare(shown, expected) for expected in user.get_session_auth_fallback_hash()
    )


def _by_ticket(secret: str, workspace: str | None) -> Principal | None:
    ticket = services.redeem_ticket(ticket=secret)
    if ticket is None or not ticket.user.is_active:
        return None
    if ticket.session is not None and ticket.session.expire_date <= timezone.now():
        return None
    if ticket.token is not None and ticket.token.state() != "active":
        return None
    if workspace and workspace != ticket.workspace.slug:
        return None
    login = Login(
        user=ticket.user,
        session_key=ticket.session_id,
        token=ticket.token,
        refresh=ticket.refresh,
        expires_at=ticket.login_expires_at,
    )
    if login.expires_at is not None and login.expires_at <= timezone.now():
        return None
    return _principal(login, ticket.workspace.slug)


def _principal(login: Login, workspace: str | None) -> Principal | None:
    try:
        principal = selectors.principal_of(
            login.user,
            workspace,
            session_key=login.session_key,
            token=login.token,
            refresh=login.refresh,
            expires_at=login.expires_at,
        )
    except NotFound:
        return None
    if login.session_key is None and login.token is None:
        # A JWT, or a ticket issued to one, also ends when the password changes.
        return replace(principal, password_mark=jwt.password_mark(login.user))
    return principal
