"""Read markers."""

from __future__ import annotations

from dataclasses import dataclass

from chat import selectors
from chat.models import Membership
from chat.protocol import ReadMarker
from chat.selectors import Place
from chat.services import notifying
from chat.services.common import stamp
from realtime.auth import Principal
from realtime.streams import publish
from realtime.streams.unit_of_work import unit_of_work


@dataclass(frozen=True)
class ReadState:
    """A user's read marker in a room, and the unread counts."""

    sequence: int
    unread: int
    mentions: int
    head_sequence: int


@unit_of_work
def mark_read(*, principal: Principal, room: str, sequence: int) -> ReadState:
    """Move the user's read marker to `sequence`; it never moves back.

    Also marks the messages' notifications as read, and tells all of the user's sockets. A user who
    reads a public room without being a member has nothing unread there.

    Raises:
        NotFound: no such room is visible to the user.
    """
    place = selectors.find(principal, room)
    wanted = min(sequence, place.room.head_sequence)
    # Conditional, so that of two tabs the one with the higher sequence wins.
    mine = Membership.objects.filter(room=place.room, user_id=principal.user_id)
    moved = mine.filter(read_sequence__lt=wanted).update(read_sequence=wanted)
    # Even if the marker does not move: an edit may have notified of a message read before.
    read = max(wanted, place.membership.read_sequence) if place.membership else wanted
    notifying.read({(place.room.pk, principal.user_id): read})
    if not moved:
        return _state(place)
    state = _state(selectors.find(principal, room))
    publish.publish_direct(
        {"user_id": principal.user_id, "workspace_id": principal.workspace_id},
        ReadMarker(
            room=room,
            user_id=principal.user_id,
            sequence=state.sequence,
            unread=state.unread,
            mentions=state.mentions,
            head_sequence=state.head_sequence,
            timestamp=stamp(),
        ),
    )
    return state


def _state(place: Place) -> ReadState:
    unread = selectors.unread_of(place)
    head = place.room.head_sequence
    return ReadState(place.read_sequence, unread.messages, unread.mentions, head)
