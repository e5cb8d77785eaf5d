"""Keeping a conversation civil."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from chat.models import Membership
from chat.policy import RoomAction, require_above
from chat.services.common import locked_place, member_of
from chat.services.members import tell_of_change
from realtime.auth import Principal
from realtime.errors import InvalidCommand
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def mute_member(
    *, principal: Principal, room: str, user_id: int, until: datetime | None
) -> Membership:
    """Have a member only read until then (aware); None lets them write again.

    Raises:
        NotFound: there is no such room for the principal, or no such member.
        PermissionDenied: they may not mute this member.
        InvalidCommand: `until` is over already.
    """
    if until is not None and until <= timezone.now():
        raise InvalidCommand.field("muted_until", "This time is over already.")
    place = locked_place(principal, room, RoomAction.MANAGE_MEMBERS)
    membership = member_of(place, user_id)
    require_above(place.standing, membership.role)
    if membership.muted_until != until:
        membership.muted_until = until
        membership.save(update_fields=["muted_until"])
        tell_of_change(place.room, membership, principal.user_id)
    return membership
