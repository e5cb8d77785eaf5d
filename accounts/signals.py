"""Keeps sessions, sockets and Django's own events in step."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import services
from accounts.login import confirmation
from accounts.login.lockout import client_address
from accounts.models import RefreshToken, User, UserSession, Workspace
from accounts.services.users import record_new_user, record_password
from realtime import auth
from realtime.streams import log


@receiver(user_logged_in)
def record_login(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """List the new session among its user's."""
    if not request.session.session_key:
        request.session.save()
    session_key = request.session.session_key
    assert session_key is not None
    confirmation.note(request.session)
    services.record_session(
        user_id=user.pk,
        session_key=session_key,
        address=client_address(request),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
    )


@receiver(post_delete, sender=UserSession)
def close_sockets_of_session(instance: UserSession, **kwargs: Any) -> None:
    """Logout, expiry, "end this session": whatever ended it, its sockets close."""
    auth.revoke(session_key=instance.session_key)


@receiver(post_delete, sender=RefreshToken)
def close_sockets_of_program(instance: RefreshToken, **kwargs: Any) -> None:
    """Close the sockets of a program that was signed out, whatever ended it."""
    auth.revoke(refresh_id=instance.pk)


@receiver(post_save, sender=User)
def put_on_record(instance: User, created: bool, raw: bool, **kwargs: Any) -> None:
    """New users and new passwords, whoever made them: `manage.py createsuperuser` too."""
    if created and not raw:
        record_new_user(user=instance)
    elif _has_new_password(instance):
        record_password(user=instance)


@receiver(post_save, sender=User)
def close_sockets_after_a_new_password(instance: User, created: bool, **kwargs: Any) -> None:
    """Whoever set it, `manage.py changepassword` too: the old login's sockets close."""
    if not created and _has_new_password(instance):
        auth.revoke(user_id=instance.pk)


@receiver(post_delete, sender=User)
def close_sockets_of_user(instance: User, **kwargs: Any) -> None:
    """Their sockets close; the streams that were theirs alone go with them."""
    auth.revoke(user_id=instance.pk)
    log.delete_streams(user_id=instance.pk)


@receiver(post_delete, sender=Workspace)
def forget_streams_of_workspace(instance: Workspace, **kwargs: Any) -> None:
    """Streams hold the workspace's id without a foreign key: the database does not see to them."""
    log.delete_streams(workspace_id=instance.pk)


def _has_new_password(user: User) -> bool:
    # set_password() leaves the new password here until save() is through.
    return user._password is not None
