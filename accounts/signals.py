"""Signal receivers that keep sessions, sockets and the audit log in sync with Django."""

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
    """Record the new session of a user, and that the password was just typed."""
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
    """Close the sockets of a session that ended by logout, expiry or its owner."""
    auth.revoke(session_key=instance.session_key)


@receiver(post_delete, sender=RefreshToken)
def close_sockets_of_program(instance: RefreshToken, **kwargs: Any) -> None:
    """Close the sockets of a refresh token that ended, for any reason."""
    auth.revoke(refresh_id=instance.pk)


@receiver(post_save, sender=User)
def put_on_record(instance: User, created: bool, raw: bool, **kwargs: Any) -> None:
    """Record new users and passwords from any source, including `manage.py createsuperuser`."""
    if created and not raw:
        record_new_user(user=instance)
    elif _has_new_password(instance):
        record_password(user=instance)


@receiver(post_save, sender=User)
def close_sockets_after_a_new_password(instance: User, created: bool, **kwargs: Any) -> None:
    """Close a user's sockets after a password change from any source."""
    if not created and _has_new_password(instance):
        auth.revoke(user_id=instance.pk)


@receiver(post_delete, sender=User)
def close_sockets_of_user(instance: User, **kwargs: Any) -> None:
    """Close the sockets of a deleted user and delete their own streams."""
    auth.revoke(user_id=instance.pk)
    log.delete_streams(user_id=instance.pk)


@receiver(post_delete, sender=Workspace)
def forget_streams_of_workspace(instance: Workspace, **kwargs: Any) -> None:
    """Delete the streams of a workspace, which refer to it without a foreign key."""
    log.delete_streams(workspace_id=instance.pk)


def _has_new_password(user: User) -> bool:
    # set_password() keeps the new password here until save() has finished.
    return user._password is not None
