"""Rooms of a user who leaves the workspace: ending memberships, handing over ownership."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q

from accounts.models import Membership as WorkspaceMembership
from chat.models import Membership, Role, Room, RoomKind
from chat.policy import RANKS
from chat.selectors.rooms import standing_of
from chat.services.common import lock_rooms
from chat.services.members import dismiss, tell_of_change
from chat.services.rooms import remove
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def leave_workspace(*, workspace_id: int, user_id: int) -> None:
    """Remove a user who is no longer in the workspace from all its rooms.

    A private room is deleted with its last member; one left without an owner gets a new one.
    """
    theirs = Membership.objects.filter(room__workspace_id=workspace_id, user_id=user_id)
    rooms = lock_rooms(Q(pk__in=theirs.values("room_id")))
    memberships = theirs.filter(room_id__in=list(rooms)).select_related("user")
    for membership in memberships.order_by("room_id"):
        room = rooms[membership.room_id]
        dismiss(room, membership, "removed", user_id)
        if room.kind == RoomKind.PRIVATE and room.deleted_at is None:
            _hand_over(room, by=user_id)


def _hand_over(room: Room, by: int) -> None:
    """Make the member with the highest role a private room's owner, if it has none.

    Of several, the first to join. A room without members is deleted; one whose members cannot sign
    in waits for them.
    """
    left = list(Membership.objects.filter(room=room).select_related("user").order_by("joined_at"))
    if not left:
        remove(room, by)
    active = [membership for membership in left if membership.user.is_active]
    if not active or any(membership.role == Role.OWNER for membership in active):
        return
    ranks = _ranks(room, active)
    heir = max(active, key=lambda membership: ranks[membership.pk])
    heir.role = Role.OWNER
    heir.save(update_fields=["role"])
    tell_of_change(room, heir, by)


def _ranks(room: Room, memberships: Collection[Membership]) -> dict[int, int]:
    """Return the rank of each membership, by id: viewers of the workspace only read."""
    people = [membership.user_id for membership in memberships]
    found = WorkspaceMembership.objects.filter(workspace_id=room.workspace_id, user_id__in=people)
    roles = dict(found.values_list("user_id", "role"))
    return {
        each.pk: RANKS[standing_of(roles.get(each.user_id, "viewer"), room, each).effective_role]
        for each in memberships
    }
