"""Permissions in a workspace: one table from role to actions, used by all endpoints."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from realtime.errors import PermissionDenied, Reason

if TYPE_CHECKING:
    from realtime.auth import Principal


class Action(StrEnum):
    """An action that a role can allow. Pages and clients read the values as `permissions`."""

    VIEW_DASHBOARDS = "view_dashboards"
    PUSH_SAMPLES = "push_samples"
    PUSH_MESSAGES = "push_messages"
    POST_MESSAGES = "post_messages"
    CREATE_ROOMS = "create_rooms"
    SEND_NOTIFICATIONS = "send_notifications"
    MANAGE_METRICS = "manage_metrics"
    MANAGE_ROOMS = "manage_rooms"
    MANAGE_MEMBERS = "manage_members"
    VIEW_AUDIT = "view_audit"
    MANAGE_WORKSPACE = "manage_workspace"


VIEWER = frozenset({Action.VIEW_DASHBOARDS})
MEMBER = VIEWER | {
    Action.PUSH_SAMPLES,
    Action.PUSH_MESSAGES,
    Action.POST_MESSAGES,
    Action.CREATE_ROOMS,
}
ADMIN = MEMBER | {
    Action.SEND_NOTIFICATIONS,
    Action.MANAGE_METRICS,
    Action.MANAGE_ROOMS,
    Action.MANAGE_MEMBERS,
    Action.VIEW_AUDIT,
}
OWNER = ADMIN | {Action.MANAGE_WORKSPACE}

ACTIONS: dict[str, frozenset[Action]] = {
    "viewer": VIEWER,
    "member": MEMBER,
    "admin": ADMIN,
    "owner": OWNER,
}


def actions_of(role: str) -> frozenset[Action]:
    """Return the actions of `role`; none if the role does not exist."""
    return ACTIONS.get(role, frozenset())


def allowed(role: str, action: Action) -> bool:
    """Return whether `role` allows `action` in its workspace."""
    return action in actions_of(role)


def require(principal: Principal, action: Action) -> None:
    """Check that the principal's role allows `action`.

    Raises:
        PermissionDenied: the principal's role does not allow `action`; the message names it.
    """
    if not allowed(principal.role, action):
        raise PermissionDenied(
            Reason(
                "Your role (%(role)s) does not allow %(action)s.",
                role=principal.role,
                action=action.value,
            )
        )
