"""Lifting what is kept of the moderation of users who are not members of a room."""

from __future__ import annotations

from chat.models import Restriction
from chat.policy import RoomAction
from chat.services import moderation
from chat.services.common import locked_place
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def lift_restriction(*, principal: Principal, room: str, user_id: int) -> None:
    """Let a user who is not a member join a room again, without an earlier mute or lower role.

    Raises:
        NotFound: no such room is visible to the principal, or nothing is kept about the user.
        PermissionDenied: the principal may not manage the room's members.
    """
    place = locked_place(principal, room, RoomAction.MANAGE_MEMBERS)
    kept = Restriction.objects.filter(room=place.room, user_id=user_id)
    restriction = kept.select_related("user", "room").first()
    if restriction is None:
        raise NotFound.field("user_id", "There is no such restriction.")
    lift(restriction=restriction, by=principal.user_id)


@unit_of_work
def lift(*, restriction: Restriction, by: int) -> None:
    """Delete a restriction, and record that; for callers that have checked the permission."""
    moderation.put_on_record(moderation.LIFT_RESTRICTION, restriction.room, restriction.user, by)
    Restriction.objects.filter(pk=restriction.pk).delete()
