"""Letting go of what has been kept for long enough."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from chat.models import Attachment, Message, Room
from chat.protocol import MessagesExpired
from chat.services.changing import remove_files
from chat.services.common import lock_rooms, stamp, tell
from chat.services.retracting import retract
from realtime.streams.unit_of_work import unit_of_work

BATCH = 500
# Messages that are hidden in one transaction, in which nobody else writes in their room.
AT_ONCE = 2000


def expire_messages(*, room_id: int, before: datetime) -> int:
    """Hide a room's messages that were sent before then, and tell its people.

    A few thousand in a transaction, each with an event of its own. Nothing of their text is left
    in what resuming clients are sent, nor in the bell.

    Returns the last sequence that is gone; 0 when there was nothing to do.
    """
    # By the index of times: the newest of the old ones, however many they are.
    old = Message.objects.filter(room_id=room_id, created_at__lt=before)
    newest = old.order_by("-created_at", "-sequence").values_list("sequence", flat=True)
    through = newest.first() or 0
    gone = 0
    while gone < through and (last := _expire_some(room_id, through)):
        gone = last
    return gone


def _expire_some(room_id: int, through: int) -> int:
    """Hide the oldest messages, at most up to `through`; returns the last one's sequence, or 0."""
    with unit_of_work():
        floor = Room.objects.filter(pk=room_id).values_list("floor_sequence", flat=True).first()
        kept = Message.objects.filter(room_id=room_id, sequence__lte=through)
        # Messages are locked before their room, as when one is deleted.
        rows = kept.filter(sequence__gt=floor or 0).select_for_update(no_key=True)
        sequences = dict(rows.order_by("sequence").values_list("pk", "sequence")[:AT_ONCE])
        last = max(sequences.values(), default=0)
        room = lock_rooms(Q(pk=room_id)).get(room_id)
        if room is None or last <= room.floor_sequence:
            return 0
        Room.objects.filter(pk=room_id).update(floor_sequence=last)
        retract(room, sequences)
        tell(room, MessagesExpired(room=room.slug, through_sequence=last, timestamp=stamp()))
    return last


def remove_expired(*, room: Room) -> bool:
    """Remove a batch of what is hidden already; whether there may be more.

    Of a deleted room everything is.
    """
    last = room.head_sequence if room.deleted_at is not None else room.floor_sequence
    with unit_of_work():
        gone = Message.objects.filter(room=room, sequence__lte=last).order_by("sequence")
        batch = list(gone[:BATCH])
        remove_files(list(Attachment.objects.filter(message__in=batch)))
        Message.objects.filter(pk__in=[message.pk for message in batch]).delete()
    return len(batch) == BATCH
