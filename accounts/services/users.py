"""Changes of a user's profile and password, and their deactivation."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, mail
from accounts.models import Membership, User, WebSocketTicket
from accounts.names import clean_name
from accounts.protocol import UserUpdated
from accounts.services.sessions import drop_other_logins
from realtime import auth
from realtime.errors import Conflict
from realtime.protocol import rfc3339
from realtime.streams import publish
from realtime.streams.unit_of_work import unit_of_work

CREATE_USER = audit.action("create_user", gettext_lazy("User created"))
CHANGE_USER = audit.action("change_user", gettext_lazy("User changed"))
CHANGE_PASSWORD = audit.action("change_password", gettext_lazy("Password changed"))
DEACTIVATE_USER = audit.action("deactivate_user", gettext_lazy("User deactivated"))
# Sent with `user`, in the unit of work of the change, when what others call a user has changed.
user_renamed = Signal()
NAMES = frozenset({"username", "first_name", "last_name"})
SHOWN_TO_SOCKETS = frozenset({"username", "is_staff", "is_superuser"})


@unit_of_work
def update_profile(*, user: User, first_name: str, last_name: str, email: str) -> User:
    """Change a user's names and email address.

    Raises:
        Conflict: somebody else uses the address.
    """
    given = {"first_name": first_name, "last_name": last_name, "email": email}
    before = _stored(user, given)
    user.first_name, user.last_name = clean_name(first_name), clean_name(last_name)
    user.email = email
    try:
        with transaction.atomic():
            user.save(update_fields=list(given))
    except IntegrityError as error:
        raise Conflict(_("Somebody else uses that email address.")) from error
    _record_change(user, before)
    _tell_former_address(user, before)
    _tell_of_new_name(user, before)
    return user


@unit_of_work
def change_password(
    *, user: User, password: str | None, keep_session_key: str | None = None
) -> None:
    """Set a new, already validated password and end every other login with the old one.

    Refresh tokens, JWTs and tickets stop working, and all of the user's sockets close. API tokens
    do not depend on the password and stay valid.

    Args:
        password: None leaves the user without one: they cannot sign in with a password.
        keep_session_key: the session of the person who changes it. Its hash of the password must
            be renewed by the caller (django.contrib.auth.update_session_auth_hash).
    """
    user.set_password(password)
    user.save(update_fields=["password", "kept_auth_hash"])
    if password is None:
        # Any other password is recorded when it is saved (accounts.signals), whoever sets it.
        record_password(user=user)
    drop_other_logins(user_id=user.pk, keep_session_key=keep_session_key)
    WebSocketTicket.objects.filter(user_id=user.pk).delete()
    auth.revoke(user_id=user.pk)


@unit_of_work
def deactivate_user(*, user: User) -> None:
    """Deactivate a user: end sessions, close sockets, refuse tokens and JWTs."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    details = {"is_active": audit.Change(old=True, new=False)}
    audit.record(DEACTIVATE_USER, user, workspace_id=None, details=details)
    drop_other_logins(user_id=user.pk, keep_session_key=None)
    WebSocketTicket.objects.filter(user_id=user.pk).delete()
    auth.revoke(user_id=user.pk)


@unit_of_work
def save_user(*, user: User, changed: Collection[str]) -> None:
    """Save what an administrator edited, with its consequences.

    Args:
        changed: names of the edited fields. A user who is no longer active is shut out; open
            sockets reconnect if their information about the user is outdated.
    """
    before = _stored(user, changed)
    user.save()
    deactivated = "is_active" in changed and not user.is_active
    if deactivated:
        before.pop("is_active", None)
    _record_change(user, before)
    _tell_former_address(user, before)
    _tell_of_new_name(user, before)
    if deactivated:
        deactivate_user(user=user)
    elif not SHOWN_TO_SOCKETS.isdisjoint(changed):
        auth.reauthorize(user_id=user.pk)


@unit_of_work
def record_new_user(*, user: User) -> None:
    """Record in the audit log that a user was created."""
    fields = ("username", "email", "is_staff", "is_superuser")
    details = audit.changes({}, {field: getattr(user, field) for field in fields})
    audit.record(CREATE_USER, user, workspace_id=None, details=details)


@unit_of_work
def record_password(*, user: User) -> None:
    """Record in the audit log that a user has a new password, or none."""
    details = {"password": audit.HIDDEN, "usable": user.has_usable_password()}
    audit.record(CHANGE_PASSWORD, user, workspace_id=None, details=details)


def _stored(user: User, fields: Iterable[str]) -> dict[str, Any]:
    """Return these fields of a user as stored, if they are columns; empty for a new user."""
    columns = {field.name for field in User._meta.concrete_fields} - {"password"}
    rows = User.objects.filter(pk=user.pk).values(*columns.intersection(fields))
    return dict(rows.first() or {}) if columns.intersection(fields) else {}


def _tell_former_address(user: User, before: dict[str, Any]) -> None:
    """Notify the former address, since somebody else may have changed it."""
    former = before.get("email", user.email)
    if former != user.email:
        mail.tell(former, "accounts/mail/address_changed.txt", user=user)


def _record_change(user: User, before: dict[str, Any]) -> None:
    """Record the changed fields in the audit log, if any."""
    details = audit.changes(before, {field: getattr(user, field) for field in before})
    if details:
        audit.record(CHANGE_USER, user, workspace_id=None, details=details)


def _tell_of_new_name(user: User, before: dict[str, Any]) -> None:
    """Tell the user's workspaces, and the apps, if the user has another name than `before`."""
    if all(before[field] == getattr(user, field) for field in NAMES.intersection(before)):
        return
    event = UserUpdated(
        user_id=user.pk,
        username=user.username,
        name=user.display_name,
        timestamp=rfc3339(timezone.now()),
    )
    of_user = Membership.objects.filter(user_id=user.pk)
    for workspace_id in of_user.values_list("workspace_id", flat=True):
        publish.publish_direct({"workspace_id": workspace_id}, event)
    user_renamed.send(User, user=user)
