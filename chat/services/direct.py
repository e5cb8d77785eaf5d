"""Direct rooms."""

from __future__ import annotations

from accounts.folding import fold
from accounts.models import Membership as WorkspaceMembership
from accounts.policy import Action, require
from chat.models import Role, Room, RoomKind
from chat.services.common import admit
from chat.services.rooms import unguessable_slug
from realtime.auth import Principal
from realtime.errors import InvalidCommand, NotFound
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def open_direct_room(
    *, principal: Principal, user_id: int | None = None, username: str | None = None
) -> Room:
    """Return the direct room with a member of the workspace; creates it if missing.

    Raises:
        PermissionDenied: the principal's role does not allow posting.
        InvalidCommand: neither `user_id` nor `username`, or both.
        NotFound: there is no such member.
    """
    require(principal, Action.POST_MESSAGES)
    if (user_id is None) == (username is None):
        reason = "Give either a user_id or a username."
        raise InvalidCommand(reason, errors={"user_id": [reason], "username": [reason]})
    other = _member(principal.workspace_id, user_id, username)
    pair = sorted({principal.user_id, other.user_id})
    # The unique key decides: if both users open it at once, only one row is created.
    made = Room.objects.bulk_create(
        [
            Room(
                workspace_id=principal.workspace_id,
                kind=RoomKind.DIRECT,
                direct_key=":".join(map(str, (pair[0], pair[-1]))),
                slug=unguessable_slug("dm"),
                name="",
                created_by_id=principal.user_id,
            )
        ],
        ignore_conflicts=True,
    )
    key = made[0].direct_key
    room = (
        Room.objects.select_for_update(no_key=True)
        .filter(workspace_id=principal.workspace_id, direct_key=key)
        .get()
    )
    present = set(room.memberships.values_list("user_id", flat=True))
    for each in pair:
        if each not in present:
            admit(room, each, Role.MEMBER, principal.user_id)
    return room


def _member(workspace_id: int, user_id: int | None, username: str | None) -> WorkspaceMembership:
    members = WorkspaceMembership.objects.filter(workspace_id=workspace_id, user__is_active=True)
    if user_id is not None:
        found = members.filter(user_id=user_id).first()
    else:
        found = members.filter(user__folded=fold(username or "")).first()
    if found is None:
        reason = "There is no such member."
        field = "username" if user_id is None else "user_id"
        raise NotFound.field(field, reason)
    return found
