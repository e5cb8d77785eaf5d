"""Visibility of pages in the navigation.

This only decides which links are drawn. Every view, service and selector checks for itself what
its user may do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.contrib.auth.models import AnonymousUser

from accounts import policy, selectors
from accounts.models import Membership, User
from accounts.policy import Action
from realtime.auth import Principal


@dataclass(frozen=True)
class Visitor:
    """The person a page is drawn for.

    Args:
        user: the user of the request; anonymous before signing in.
        memberships: theirs, the default one first.
        current: the membership in the workspace that the page shows; None without any.
    """

    user: User | AnonymousUser
    memberships: Sequence[Membership] = ()
    current: Membership | None = None

    @cached_property
    def principal(self) -> Principal | None:
        """Return the visitor as a member of the current workspace."""
        if self.current is None or not isinstance(self.user, User):
            return None
        return selectors.principal_in(self.current, user=self.user)


Access = Callable[[Visitor], bool]


def signed_in(visitor: Visitor) -> bool:
    """Allow every signed-in user, even without a workspace."""
    return visitor.user.is_authenticated


def members(visitor: Visitor) -> bool:
    """Allow members of the current workspace, whatever their role."""
    return visitor.current is not None


def staff(visitor: Visitor) -> bool:
    """Allow staff of this installation, even without a workspace."""
    return visitor.user.is_staff


def may(action: Action) -> Access:
    """Return a check that allows members whose role allows `action` in the current workspace."""

    def allowed(visitor: Visitor) -> bool:
        return visitor.current is not None and policy.allowed(visitor.current.role, action)

    return allowed


workspace_admins: Access = may(Action.MANAGE_MEMBERS)
