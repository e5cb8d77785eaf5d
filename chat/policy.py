"""Who may do what in a room: one table, read by every door. Pure.

A person's standing in a room comes from their role in it and their role in the workspace. A
room that one may not read is not there at all: selectors say `not_found` before any of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from accounts.policy import Action, allowed
from realtime.errors import Conflict, PermissionDenied, Reason

NOT_ALLOWED = "Your role in this room (%(role)s) does not allow %(action)s."


class RoomAction(StrEnum):
    """What a role in a room can allow."""

    READ = "read"
    POST = "post"
    MENTION_ALL = "mention_all"
    PIN = "pin"
    DELETE_MESSAGES = "delete_messages"
    MANAGE_MEMBERS = "manage_members"
    EDIT_ROOM = "edit_room"
    MANAGE_ROOM = "manage_room"


READ_ONLY = frozenset({RoomAction.READ})
MEMBER = READ_ONLY | {RoomAction.POST}
MODERATOR = MEMBER | {
    RoomAction.MENTION_ALL,
    RoomAction.PIN,
    RoomAction.DELETE_MESSAGES,
    RoomAction.MANAGE_MEMBERS,
    RoomAction.EDIT_ROOM,
}
OWNER = MODERATOR | {RoomAction.MANAGE_ROOM}
# Of two people neither rules over the other.
DIRECT = MEMBER | {RoomAction.PIN, RoomAction.MENTION_ALL}

ACTIONS: dict[str, frozenset[RoomAction]] = {
    "read_only": READ_ONLY,
    "member": MEMBER,
    "moderator": MODERATOR,
    "owner": OWNER,
}
# Who may change whom: only those below oneself, and owners each other.
RANKS = {"read_only": 0, "member": 1, "moderator": 2, "owner": 3}
# What nobody does in an archived room.
ACTIVE_ONLY = frozenset({RoomAction.POST, RoomAction.MENTION_ALL, RoomAction.PIN})


@dataclass(frozen=True)
class Standing:
    """What is known of somebody in a room that they may read.

    Args:
        kind: the room's: public, private or direct.
        workspace_role: their role in the workspace.
        role: their role in the room; None: they read a public room without being a member.
        muted_until: they may not write before (aware); None: they may.
        archived: nobody writes in the room any more.
    """

    kind: str
    workspace_role: str
    role: str | None
    muted_until: datetime | None = None
    archived: bool = False

    @property
    def effective_role(self) -> str:
        """The role that counts: the workspace's managers own its public rooms."""
        if not allowed(self.workspace_role, Action.POST_MESSAGES):
            return "read_only"
        if self.kind == "public" and allowed(self.workspace_role, Action.MANAGE_ROOMS):
            return "owner"
        if self.role is None:
            # Whoever may join may write: writing joins.
            return "member"
        return self.role

    @property
    def actions(self) -> frozenset[RoomAction]:
        if self.kind == "direct" and self.effective_role != "read_only":
            return DIRECT
        return ACTIONS.get(self.effective_role, frozenset())

    def muted(self, now: datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now


def require(standing: Standing, action: RoomAction, now: datetime) -> None:
    """Let somebody pass, or refuse.

    Raises:
        PermissionDenied: their role does not allow `action`, or they are muted at `now` (aware).
        Conflict: the room is archived.
    """
    if action not in standing.actions:
        role = standing.effective_role.replace("_", "-")
        raise PermissionDenied(Reason(NOT_ALLOWED, role=role, action=action.value))
    if action is RoomAction.POST and standing.muted(now):
        assert standing.muted_until is not None
        until = standing.muted_until.strftime("%Y-%m-%d %H:%M")
        raise PermissionDenied(
            Reason("You are muted in this room until %(until)s UTC.", until=until)
        )
    if action in ACTIVE_ONLY and standing.archived:
        raise Conflict("This room is archived: nothing new is written here.")


def may(standing: Standing, action: RoomAction, now: datetime) -> bool:
    """Whether `require` would let them pass."""
    try:
        require(standing, action, now)
    except (PermissionDenied, Conflict):
        return False
    return True


def require_above(standing: Standing, other_role: str, new_role: str | None = None) -> None:
    """Let somebody change the membership of one with `other_role`, to `new_role` perhaps.

    Moderators deal with those below them; owners with everybody.

    Raises:
        PermissionDenied: they may not.
    """
    rank = RANKS[standing.effective_role]
    touched = max(RANKS[other_role], RANKS.get(new_role or "", 0))
    if rank < RANKS["owner"] and touched >= rank:
        raise PermissionDenied("Only an owner of the room may do this.")
