"""How far people have read."""

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
    """How far somebody has read a room, and what is left."""

    sequence: int
    unread: int
    mentions: int


@unit_of_work
def mark_read(*, principal: Principal, room: str, sequence: int) -> ReadState:
    """Note that messages up to `sequence` have been read; it never goes back.

    Their notifications count as read too, and all of the person's sockets are told. Whoever reads
    a public room without being a member has nothing unread there.

    Raises:
        NotFound: there is no such room for them.
    """
    place = selectors.find(principal, room)
    wanted = min(sequence, place.room.head_sequence)
    # Conditional: of two tabs the one that has read further wins.
    mine = Membership.objects.filter(room=place.room, user_id=principal.user_id)
    moved = mine.filter(read_sequence__lt=wanted).update(read_sequence=wanted)
    # Also where nothing moves: what was read before may have been told of since, by an edit.
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
            timestamp=stamp(),
        ),
    )
    return state


def _state(place: Place) -> ReadState:
    unread = selectors.unread_of(place)
    return ReadState(place.read_sequence, unread.messages, unread.mentions)
