"""Expiry of messages: hiding them, then removing them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from chat.models import Attachment, Message, Room
from chat.protocol import MessagesExpired
from chat.services import notifying
from chat.services.changing import remove_files
from chat.services.common import lock_rooms, stamp, tell
from chat.services.counting import count_again
from chat.services.retracting import retract
from realtime.streams.unit_of_work import unit_of_work

BATCH = 500
# Messages hidden in one transaction, during which nobody else can post in the room.
AT_ONCE = 2000


def expire_messages(*, room_id: int, before: datetime) -> int:
    """Hide a room's messages that were sent before `before`, and tell the room.

    Hides up to AT_ONCE per transaction, each of which has its own event. Nothing of their text
    remains in the events that resuming clients get, or in notifications.

    Returns the last hidden sequence; 0 if there was nothing to do.
    """
    # Uses the index of times: finds the newest expired message, however many there are.
    old = Message.objects.filter(room_id=room_id, created_at__lt=before)
    newest = old.order_by("-created_at", "-sequence").values_list("sequence", flat=True)
    through = newest.first() or 0
    gone = 0
    while gone < through and (last := _expire_some(room_id, through)):
        gone = last
    return gone


def _expire_some(room_id: int, through: int) -> int:
    """Hide the oldest messages, at most up to `through`; return the last one's sequence, or 0."""
    with unit_of_work():
        floor = Room.objects.filter(pk=room_id).values_list("floor_sequence", flat=True).first()
        kept = Message.objects.filter(room_id=room_id, sequence__lte=through)
        # Messages are locked before their room, in the same order as in delete_message.
        rows = kept.filter(sequence__gt=floor or 0).select_for_update(no_key=True)
        sequences = dict(rows.order_by("sequence").values_list("pk", "sequence")[:AT_ONCE])
        last = max(sequences.values(), default=0)
        room = lock_rooms(Q(pk=room_id)).get(room_id)
        if room is None or last <= room.floor_sequence:
            return 0
        Room.objects.filter(pk=room_id).update(floor_sequence=last)
        room.floor_sequence = last
        # Before the retraction: it locks notifications, all of the room's in one order.
        count_again(room, gone=list(sequences.values()), beyond=last)
        retract(room, sequences)
        tell(room, MessagesExpired(room=room.slug, through_sequence=last, timestamp=stamp()))
    return last


def remove_expired(*, room: Room) -> bool:
    """Remove a batch of hidden messages; return whether there may be more.

    In a deleted room all messages are hidden.
    """
    last = room.head_sequence if room.deleted_at is not None else room.floor_sequence
    with unit_of_work():
        gone = Message.objects.filter(room=room, sequence__lte=last).order_by("sequence")
        batch = list(gone[:BATCH])
        remove_files(list(Attachment.objects.filter(message__in=batch)))
        if room.deleted_at is not None:
            notifying.empty(room, [message.sequence for message in batch])
        Message.objects.filter(pk__in=[message.pk for message in batch]).delete()
    return len(batch) == BATCH
