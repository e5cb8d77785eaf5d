"""How far people have read."""

from __future__ import annotations

from dataclasses import dataclass

from chat import selectors
from chat.models import Membership
from chat.protocol import ReadMarker
from chat.services import notifying
from chat.services.common import stamp
from realtime import publish
from realtime.auth import Principal
from realtime.unit_of_work import unit_of_work


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
    if place.membership is None:
        return ReadState(place.read_sequence, 0, 0)
    wanted = min(sequence, place.room.head_sequence)
    # Conditional: of two tabs the one that has read further wins.
    moved = Membership.objects.filter(pk=place.membership.pk, read_sequence__lt=wanted).update(
        read_sequence=wanted
    )
    if not moved:
        unread = selectors.unread_of(place)
        return ReadState(place.read_sequence, unread.messages, unread.mentions)
    notifying.read(principal, place.room, wanted)
    place = selectors.find(principal, room)
    unread = selectors.unread_of(place)
    state = ReadState(place.read_sequence, unread.messages, unread.mentions)
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
