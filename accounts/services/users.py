"""A user's own particulars, password and end."""

from __future__ import annotations

from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User, WebSocketTicket
from accounts.services.sessions import end_other_sessions
from realtime import auth
from realtime.errors import Conflict
from realtime.streams.unit_of_work import unit_of_work

SHOWN_TO_SOCKETS = frozenset({"username", "is_staff", "is_superuser"})


@unit_of_work
def update_profile(*, user: User, first_name: str, last_name: str, email: str) -> User:
    """Change a user's names and email address.

    Raises:
        Conflict: somebody else uses the address.
    """
    user.first_name, user.last_name, user.email = first_name, last_name, email
    try:
        with transaction.atomic():
            user.save(update_fields=["first_name", "last_name", "email"])
    except IntegrityError as error:
        raise Conflict(_("Somebody else uses that email address.")) from error
    return user


@unit_of_work
def change_password(
    *, user: User, password: str | None, keep_session_key: str | None = None
) -> None:
    """Set a new password, already validated, and end every other login with the old one.

    JWTs and tickets stop working, all of the user's sockets close. API tokens, which do not
    depend on the password, stay.

    Args:
        password: None leaves the user without one: they cannot sign in with a password.
        keep_session_key: the session of the person who changes it. Its hash of the password must
            be renewed by the caller (django.contrib.auth.update_session_auth_hash).
    """
    user.set_password(password)
    user.save(update_fields=["password"])
    end_other_sessions(user_id=user.pk, keep_session_key=keep_session_key)
    WebSocketTicket.objects.filter(user_id=user.pk).delete()
    auth.revoke(user_id=user.pk)


@unit_of_work
def deactivate_user(*, user: User) -> None:
    """Shut a user out: sessions end, sockets close, tokens and JWTs are refused."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_other_sessions(user_id=user.pk, keep_session_key=None)
    WebSocketTicket.objects.filter(user_id=user.pk).delete()
    auth.revoke(user_id=user.pk)


@unit_of_work
def save_user(*, user: User, changed: Collection[str]) -> None:
    """Save what an administrator edited, with its consequences.

    Args:
        changed: names of the edited fields. A user who is not active any more is shut out; open
            sockets reconnect when what they know of the user is not true any more.
    """
    user.save()
    if "is_active" in changed and not user.is_active:
        deactivate_user(user=user)
    elif not SHOWN_TO_SOCKETS.isdisjoint(changed):
        auth.reauthorize(user_id=user.pk)
