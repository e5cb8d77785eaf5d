"""Reactions and pins."""

from __future__ import annotations

from django.utils import timezone

from chat.models import Message, Pin, Reaction
from chat.policy import RoomAction, require
from chat.protocol import (
    MAX_DISTINCT_REACTIONS,
    MAX_PINS,
    MAX_REACTIONS_EACH,
    PinChanged,
    ReactionChanged,
)
from chat.services.changing import locked_message
from chat.services.common import stamp, tell
from chat.text import emoji as emojis
from realtime.auth import Principal
from realtime.errors import Conflict, InvalidCommand, Reason
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def set_reaction(*, principal: Principal, message_id: int, emoji: str, on: bool) -> Message:
    """React to a message with an emoji, or take it back; repeating it changes nothing.

    Raises:
        InvalidCommand: it is not an emoji.
        NotFound: no such message is visible to the user.
        PermissionDenied: the user may not post there.
        Conflict: the message is deleted, the room archived, or there are too many different
            reactions.
    """
    known = emojis.canonical(emoji)
    if known is None:
        raise InvalidCommand.field("emoji", "This is not an emoji.")
    emoji = known
    # The lock keeps the number of different reactions within its limit.
    message, place = locked_message(principal, message_id)
    require(place.standing, RoomAction.POST, timezone.now())
    there = Reaction.objects.filter(message=message)
    mine = there.filter(user_id=principal.user_id, emoji=emoji)
    if on == mine.exists():
        return message
    if on:
        if there.filter(user_id=principal.user_id).count() >= MAX_REACTIONS_EACH:
            raise Conflict(
                Reason(
                    "One person reacts to a message with at most %(most)d emoji.",
                    most=MAX_REACTIONS_EACH,
                )
            )
        kinds = set(there.order_by().values_list("emoji", flat=True).distinct())
        if emoji not in kinds and len(kinds) >= MAX_DISTINCT_REACTIONS:
            raise Conflict(
                Reason(
                    "A message has at most %(most)d different reactions.",
                    most=MAX_DISTINCT_REACTIONS,
                )
            )
        Reaction.objects.create(message=message, user_id=principal.user_id, emoji=emoji)
    else:
        mine.delete()
    tell(
        place.room,
        ReactionChanged(
            room=place.room.slug,
            message_id=message.pk,
            sequence=message.sequence,
            user_id=principal.user_id,
            username=principal.username,
            emoji=emoji,
            on=on,
            count=there.filter(emoji=emoji).count(),
        ),
    )
    return message


@unit_of_work
def set_pin(*, principal: Principal, message_id: int, on: bool) -> Message:
    """Pin a message to its room, or unpin it; repeating it changes nothing.

    Raises:
        NotFound: no such message is visible to the user.
        PermissionDenied: the user may not pin there.
        Conflict: the message is deleted, the room archived, or there are too many pins.
    """
    message, place = locked_message(principal, message_id)
    require(place.standing, RoomAction.PIN, timezone.now())
    there = Pin.objects.filter(message=message)
    if on == there.exists():
        return message
    if on:
        if Pin.objects.filter(room=place.room).count() >= MAX_PINS:
            raise Conflict(Reason("A room has at most %(most)d pinned messages.", most=MAX_PINS))
        Pin.objects.create(message=message, room=place.room, pinned_by_id=principal.user_id)
    else:
        there.delete()
    tell(
        place.room,
        PinChanged(
            room=place.room.slug,
            message_id=message.pk,
            sequence=message.sequence,
            user_id=principal.user_id,
            on=on,
            timestamp=stamp(),
        ),
    )
    return message
