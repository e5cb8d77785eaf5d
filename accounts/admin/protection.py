"""Limits on what staff can do to other users in the admin, whatever permissions they have.

Without them, the permission to change users would let its holder become any user, including a
superuser: by setting their password, or their email address and requesting a reset.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts.models import User

# Fields that give a user more rights; only superusers edit them.
GRANTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def may_manage(actor: Any, user: User) -> bool:
    """Return whether `actor` may change this user, end their sessions and revoke their tokens.

    Superusers may. Other staff may not manage superusers or staff who have a permission that they
    lack, since that would give them more rights. They change their own account on the profile
    page, which asks for the password.
    """
    if actor.is_superuser:
        return True
    if user.is_superuser or user.pk == actor.pk:
        return False
    return not user.is_staff or user.get_all_permissions() <= actor.get_all_permissions()


def manageable(request: HttpRequest, rows: QuerySet[Any], owner: str | None = None) -> list[Any]:
    """Return the rows of an action that the request's user may manage; report how many are skipped.

    Args:
        owner: the field that holds the user of a row; None if the rows are users.
    """
    users = {row.pk: getattr(row, owner) if owner else row for row in rows}
    kept = [row for row in rows if may_manage(request.user, users[row.pk])]
    if left_out := len(users) - len(kept):
        text = ngettext(
            "%(n)d left out: only a superuser may do that.",
            "%(n)d left out: only superusers may do that.",
            left_out,
        )
        messages.warning(request, text % {"n": left_out})
    return kept
