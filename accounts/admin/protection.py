"""What staff may not do to others in the admin, whatever permissions they have.

A permission to change users would otherwise be the permission to become anybody, superusers too:
one sets their password, or their mail address and asks for a reset.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts.models import User

# What makes a user more than an ordinary one: for superusers to give.
GRANTS = ("is_staff", "is_superuser", "groups", "user_permissions")


def may_manage(actor: Any, user: User) -> bool:
    """Return whether `actor` may change this user, end their sessions and revoke their tokens.

    A superuser may. Other staff may not where it would give them more than they have: with
    superusers, and with staff who have a permission that they lack. Their own account they change
    on their profile, where the password is asked for.
    """
    if actor.is_superuser:
        return True
    if user.is_superuser or user.pk == actor.pk:
        return False
    return not user.is_staff or user.get_all_permissions() <= actor.get_all_permissions()


def manageable(request: HttpRequest, rows: QuerySet[Any], owner: str | None = None) -> list[Any]:
    """Return the rows of an action that the request's user may manage; says how many are left out.

    Args:
        owner: the field with the user of a row; None: the rows are users.
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
