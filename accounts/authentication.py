"""Who is asking: sessions, JWTs, API tokens and tickets, for sockets and REST alike."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import jwt, keys, selectors, services
from accounts.activity import recent_use
from accounts.models import ApiToken, User
from realtime.auth import Credentials, Principal
from realtime.errors import NotFound


@dataclass(frozen=True)
class Login:
    """A user, and what let them in; `token` narrows them to its workspace."""

    user: User
    session_key: str | None = None
    token: ApiToken | None = None


def authenticate(credentials: Credentials) -> Principal | None:
    """Who a socket belongs to; None when the credentials or the workspace are refused.

    Synchronous, a handful of queries, and at most once a minute a note that the user was here.
    A ticket is used up even if its user may not come in.
    """
    principal = _identify(credentials)
    if principal and recent_use.is_due((principal.user_id, principal.token_id)):
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
    """The login behind an API token (`pw_…`) or a JWT access token; None when it is no good."""
    if secret.startswith(keys.API_TOKEN_PREFIX):
        token = (
            ApiToken.objects.select_related("user", "workspace")
            .filter(hash=keys.digest(secret), user__is_active=True)
            .first()
        )
        good = token is not None and token.state() == "active"
        return Login(user=token.user, token=token) if token and good else None
    user = jwt.user_of(secret)
    return Login(user=user) if user else None


def login_by_session(session_key: str) -> Login | None:
    """The login behind a session cookie, by the rules of django.contrib.auth.get_user."""
    if not session_key.isalnum():
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user_id = session.get(SESSION_KEY)
    if user_id is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return None
    shown = session.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    if not any(constant_time_compare(shown, expected) for expected in hashes):
        return None
    return Login(user=user, session_key=session_key)


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
    login = Login(user=ticket.user, session_key=ticket.session_id, token=ticket.token)
    return _principal(login, ticket.workspace.slug)


def _principal(login: Login, workspace: str | None) -> Principal | None:
    try:
        return selectors.principal_of(
            login.user, workspace, session_key=login.session_key, token=login.token
        )
    except NotFound:
        return None
