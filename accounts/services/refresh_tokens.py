"""Refresh tokens of programs that signed in with a password."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import RefreshToken
from realtime.errors import NotFound
from realtime.streams.unit_of_work import unit_of_work

END_REFRESH_TOKEN = audit.action("end_refresh_token", gettext_lazy("Program signed out"))
# A script that signs in at every run would fill the list, so the least recently used one ends.
MAX_PER_USER = 100


@unit_of_work
def record_refresh_token(
    *, user_id: int, jti: str, expires_at: datetime, address: str | None, user_agent: str
) -> RefreshToken:
    """Record a program's login; beyond MAX_PER_USER, the least recently used one ends."""
    mine = RefreshToken.objects.filter(user_id=user_id).order_by("-last_used_at", "-pk")
    for surplus in mine[MAX_PER_USER - 1 :]:
        surplus.delete()
    return RefreshToken.objects.create(
        user_id=user_id,
        jti=jti,
        expires_at=expires_at,
        address=address,
        user_agent=user_agent[:300],
    )


@unit_of_work
def record_refresh(*, token_id: int, address: str | None, user_agent: str) -> None:
    """Record the use of a refresh token, with address and device."""
    RefreshToken.objects.filter(pk=token_id).update(
        last_used_at=timezone.now(), address=address, user_agent=user_agent[:300]
    )


@unit_of_work
def end_refresh_token(*, token_id: int, user_id: int | None = None) -> None:
    """Sign out one program: refuse its tokens and close its sockets.

    Args:
        user_id: only if the refresh token is this user's.

    Raises:
        NotFound: there is no such refresh token, or it is somebody else's.
    """
    tokens = RefreshToken.objects.filter(pk=token_id)
    if user_id is not None:
        tokens = tokens.filter(user_id=user_id)
    token = tokens.select_related("user").first()
    if token is None:
        raise NotFound(_("There is no such session."))
    details = {"device": token.user_agent, "address": token.address}
    audit.record(END_REFRESH_TOKEN, token, workspace_id=None, details=details)
    # The signal receiver of the deletion closes the sockets.
    token.delete()


def drop_refresh_tokens(*, user_id: int) -> int:
    """End all refresh tokens of a user, for a service that records the reason itself."""
    tokens = list(RefreshToken.objects.filter(user_id=user_id))
    for token in tokens:
        token.delete()
    return len(tokens)
