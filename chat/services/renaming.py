"""New names of users, told to the rooms that show them."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import User
from chat.models import Membership, Message, Room
from chat.protocol import UserUpdated
from chat.services.common import stamp, tell
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def tell_of_new_name(*, user: User) -> None:
    """Tell the rooms where a user is a member, or has written, what the user is called now."""
    theirs = Membership.objects.filter(user=user).values("room_id")
    written = Message.objects.filter(author=user).order_by().values("room_id").distinct()
    rooms = Room.objects.filter(Q(pk__in=theirs) | Q(pk__in=written), deleted_at=None)
    for room in rooms:
        tell(
            room,
            UserUpdated(
                room=room.slug,
                user_id=user.pk,
                username=user.username,
                name=user.display_name,
                timestamp=stamp(),
            ),
        )
