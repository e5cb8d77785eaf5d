"""Sessions of users, kept in sync with Django's, so that users can review and end them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import ApiToken, RefreshToken, User, UserSession
from accounts.services.refresh_tokens import drop_refresh_tokens
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.streams.unit_of_work import unit_of_work

END_SESSION = audit.action("end_session", gettext_lazy("Session ended"))
END_SESSIONS = audit.action("end_sessions", gettext_lazy("All other sessions ended"))
SEEN_EVERY = timedelta(minutes=1)
BATCH = 500


@unit_of_work
def record_session(
    *, user_id: int, session_key: str, address: str | None, user_agent: str
) -> UserSession:
    """Record a user's session, which must be stored already.

    Also deletes expired sessions.
    """
    Session.objects.filter(expire_date__lte=timezone.now()).delete()
    session, _created = UserSession.objects.update_or_create(
        session_id=session_key,
        defaults={
            "user_id": user_id,
            "address": address,
            "user_agent": user_agent[:300],
            "last_seen_at": timezone.now(),
        },
    )
    User.objects.filter(pk=user_id).update(last_seen_at=timezone.now())
    return session


def keep_session(*, user_id: int, session_key: str, address: str | None, user_agent: str) -> None:
    """Record the use of a session, with address and device; at most one write a minute.

    A session with a new key (after a password change) is listed from then on. A session that ends
    at the same moment is ignored.
    """
    record_use(user_ids=[user_id], session_keys=[session_key])
    if UserSession.objects.filter(session_id=session_key, address=address).exists():
        return
    with suppress(IntegrityError):
        record_session(
            user_id=user_id, session_key=session_key, address=address, user_agent=user_agent
        )


@unit_of_work
def end_session(*, session_id: int, user_id: int | None = None) -> None:
    """Sign out one session and close its sockets.

    Args:
        session_id: primary key of the UserSession.
        user_id: only if the session is this user's.

    Raises:
        NotFound: there is no such session, or it is somebody else's.
    """
    sessions = UserSession.objects.filter(pk=session_id)
    if user_id is not None:
        sessions = sessions.filter(user_id=user_id)
    session = sessions.select_related("user").first()
    if session is None:
        raise NotFound(_("There is no such session."))
    details = {"device": session.user_agent, "address": session.address}
    audit.record(END_SESSION, session, workspace_id=None, details=details)
    _delete([session.session_key])


@unit_of_work
def end_other_sessions(*, user_id: int, keep_session_key: str | None) -> int:
    """Sign a user out everywhere but in one session, including programs with a refresh token.

    Returns the number of logins that ended.
    """
    ended = drop_other_logins(user_id=user_id, keep_session_key=keep_session_key)
    if ended:
        user = User.objects.get(pk=user_id)
        audit.record(END_SESSIONS, user, workspace_id=None, details={"sessions_ended": ended})
    return ended


def drop_other_logins(*, user_id: int, keep_session_key: str | None) -> int:
    """Like `end_other_sessions`, for a service that records the reason itself."""
    programs = drop_refresh_tokens(user_id=user_id)
    keys = list(
        UserSession.objects.filter(user_id=user_id)
        .exclude(session_id=keep_session_key)
        .values_list("session_id", flat=True)
    )
    _delete(keys)
    return len(keys) + programs


def touch(principals: Sequence[Principal], now: datetime | None = None) -> None:
    """Update "last seen" for the users of these open sockets; called once a minute."""
    if principals:
        record_use(
            user_ids=(principal.user_id for principal in principals),
            session_keys=[p.session_key for p in principals if p.session_key is not None],
            token_ids=[p.token_id for p in principals if p.token_id is not None],
            refresh_ids=[p.refresh_id for p in principals if p.refresh_id is not None],
            now=now,
        )


@unit_of_work
def record_use(
    *,
    user_ids: Iterable[int],
    session_keys: Iterable[str] = (),
    token_ids: Iterable[int] = (),
    refresh_ids: Iterable[int] = (),
    now: datetime | None = None,
) -> None:
    """Set "last seen" and "last used" to `now` if they are at least a minute old."""
    now = now or timezone.now()
    stale = now - SEEN_EVERY
    for batch in _batches(user_ids):
        users = User.objects.filter(pk__in=batch)
        users.filter(Q(last_seen_at=None) | Q(last_seen_at__lte=stale)).update(last_seen_at=now)
    for batch in _batches(session_keys):
        UserSession.objects.filter(session_id__in=batch, last_seen_at__lte=stale).update(
            last_seen_at=now
        )
    for batch in _batches(token_ids):
        tokens = ApiToken.objects.filter(pk__in=batch)
        tokens.filter(Q(last_used_at=None) | Q(last_used_at__lte=stale)).update(last_used_at=now)
    for batch in _batches(refresh_ids):
        RefreshToken.objects.filter(pk__in=batch, last_used_at__lte=stale).update(last_used_at=now)


def _batches(values: Iterable[Any]) -> Iterable[list[Any]]:
    """Yield sorted batches, so that processes that update the same rows lock them in one order."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


def _delete(session_keys: Iterable[str]) -> None:
    # Uses the session engine, which may hold a copy in the cache. The deletion cascades to
    # UserSession, whose signal receiver closes the sockets.
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for session_key in session_keys:
        store(session_key).delete(session_key)
