"""Removing the text of messages that are gone, wherever else it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from chat.models import Message, Room
from chat.services import notifying
from chat.streams import keys
from chat.streams.retractions import without
from realtime.streams.log import rewrite


def retract(room: Room, sequences: Mapping[int, int]) -> None:
    """Remove the text of messages from the room's earlier events and from notifications.

    Call with the rows of the messages, then of the room, locked, so that nobody edits or answers
    one meanwhile, and tell the room in the same unit of work.

    Args:
        sequences: the messages' sequences, by id.
    """
    answers = Message.objects.filter(reply_to_id__in=list(sequences)).values_list("pk", flat=True)
    stream = keys.room(room.workspace_id, room.slug)
    rewrite([stream], [*sequences, *answers], partial(without, sequences.keys()))
    notifying.empty(room, list(sequences.values()))
