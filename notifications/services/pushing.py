"""Messages to a user's open pages; they are not stored."""

from __future__ import annotations

from accounts.models import Membership
from accounts.policy import Action, require
from realtime import pushes
from realtime.auth import Principal
from realtime.errors import AppError, NotFound
from realtime.sessions import directory


class NotConnected(AppError):
    """The user has no open connection to any process."""

    code = "not_connected"
    status = 404


def push_message(*, principal: Principal, user_id: int, message: str) -> None:
    """Send `user_message` to a member's sockets in the principal's workspace, on every process.

    Raises:
        PermissionDenied: the principal's role may not push messages.
        NotFound: there is no such member.
        NotConnected: the member has no open connection in the workspace.
    """
    require(principal, Action.PUSH_MESSAGES)
    members = Membership.objects.filter(workspace_id=principal.workspace_id, user_id=user_id)
    if not members.exists():
        raise NotFound("There is no such member.")
    if not directory.is_connected(user_id, principal.workspace_id):
        raise NotConnected("This user is not connected.")
    pushes.push_user_message(
        user_id=user_id, message=message, sender=principal, workspace_id=principal.workspace_id
    )
