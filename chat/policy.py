"""Permissions in a room: one table, used by every endpoint. Pure.

A user's standing in a room follows from the user's roles in the room and in the workspace. Rooms
that the user may not read do not appear here: selectors answer `not_found` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from accounts.policy import Action, allowed
from realtime.errors import Conflict, PermissionDenied, Reason

NOT_ALLOWED = "Your role in this room (%(role)s) does not allow %(action)s."

REMOVED = "You were removed from this room: people who manage its members can add you again."


class RoomAction(StrEnum):
    """An action that a role in a room can allow."""

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
# In a direct room neither user moderates the other.
DIRECT = MEMBER | {RoomAction.PIN, RoomAction.MENTION_ALL}

ACTIONS: dict[str, frozenset[RoomAction]] = {
    "read_only": READ_ONLY,
    "member": MEMBER,
    "moderator": MODERATOR,
    "owner": OWNER,
}
# A user may change only members of a lower rank; owners may also change owners.
RANKS = {"read_only": 0, "member": 1, "moderator": 2, "owner": 3}
# Refused to everybody in an archived room.
ACTIVE_ONLY = frozenset({RoomAction.POST, RoomAction.MENTION_ALL, RoomAction.PIN})


@dataclass(frozen=True)
class Standing:
    """A user's roles and restrictions in a room that the user may read.

    Args:
        kind: the room's: public, private or direct.
        workspace_role: the user's role in the workspace.
        role: the user's role in the room; None: a public room of which the user is not a member.
        muted_until: the user may not post before this time (aware); None: not muted.
        archived: nobody may post in the room any more.
        ceiling: the highest role for which the user may join; None: any.
        removed: moderators removed the user, who cannot join any more.
    """

    kind: str
    workspace_role: str
    role: str | None
    muted_until: datetime | None = None
    archived: bool = False
    ceiling: str | None = None
    removed: bool = False

    @property
    def effective_role(self) -> str:
        """The role that applies: users who manage the workspace's rooms own its public ones."""
        if not allowed(self.workspace_role, Action.POST_MESSAGES):
            return "read_only"
        if self.kind == "public" and allowed(self.workspace_role, Action.MANAGE_ROOMS):
            return "owner"
        if self.role is None:
            # A user who may join may post: posting joins the room.
            return "read_only" if self.removed else capped("member", self.ceiling)
        return self.role

    @property
    def barred(self) -> bool:
        """True if the user was removed, and may not join until someone adds them again."""
        return self.removed and self.role is None and self.effective_role != "owner"

    @property
    def actions(self) -> frozenset[RoomAction]:
        if self.kind == "direct" and self.effective_role != "read_only":
            return DIRECT
        return ACTIONS.get(self.effective_role, frozenset())

    def muted(self, now: datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now


def capped(role: str, ceiling: str | None) -> str:
    """Return the lower of a role and a ceiling (None: there is none)."""
    return role if not ceiling else min(role, ceiling, key=RANKS.__getitem__)


def require_admission(standing: Standing) -> None:
    """Check that a user may join a public room.

    Raises:
        PermissionDenied: the user was removed from it.
    """
    if standing.barred:
        raise PermissionDenied(REMOVED)


def require(standing: Standing, action: RoomAction, now: datetime) -> None:
    """Check that a user may do `action`.

    Raises:
        PermissionDenied: the role does not allow `action`, or the user is muted at `now` (aware).
        Conflict: the room is archived.
    """
    if action not in standing.actions:
        require_admission(standing)
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
    """Return whether `require` would allow it."""
    try:
        require(standing, action, now)
    except (PermissionDenied, Conflict):
        return False
    return True


def require_above(standing: Standing, other_role: str, new_role: str | None = None) -> None:
    """Check that a user may change a member with `other_role`, if given to `new_role`.

    Moderators may change only members below them; owners may change everybody.

    Raises:
        PermissionDenied: the user may not.
    """
    rank = RANKS[standing.effective_role]
    touched = max(RANKS[other_role], RANKS.get(new_role or "", 0))
    if rank < RANKS["owner"] and touched >= rank:
        raise PermissionDenied("Only an owner of the room may do this.")
