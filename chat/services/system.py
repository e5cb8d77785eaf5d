"""Messages of Pitwall itself, which other apps post in rooms."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from chat.models import Membership, Message, NotificationLevel, Room, RoomKind
from chat.protocol import ChatMessage
from chat.selectors.messages import plain_view
from chat.services import mentioning
from chat.services.common import lock_rooms, tell
from chat.services.posting import Sent
from chat.text import checking as texts
from chat.text import markdown
from notifications.cards import Card
from realtime.database.bulk import set_numbers
from realtime.errors import Conflict, NotFound
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def post_system_message(
    *, workspace_id: int, room: str, text: str, card: Card | None = None
) -> Sent:
    """Post a message that no user wrote, optionally with a live card.

    It mentions nobody, whatever names are in it: its text may come from outside. Members who want
    to hear of every message are notified.

    Raises:
        InvalidCommand: the text is empty or too long.
        NotFound: there is no such room, or it is a direct one.
        Conflict: the room is archived.
    """
    checked = texts.check(text, may_be_empty=card is not None)
    html = markdown.render(checked)
    place = _locked(workspace_id, room)
    message = Message.objects.create(
        room=place,
        sequence=place.head_sequence + 1,
        author=None,
        text=checked,
        html=html,
        created_at=timezone.now(),
        card_kind=card.kind if card else "",
        card_reference=card.reference if card else "",
        card_state=card.state if card else None,
    )
    set_numbers(Room, "head_sequence", {place.pk: message.sequence})
    tell(place, plain_view(message, place.slug, ChatMessage))
    followers = Membership.objects.filter(room=place, notify=NotificationLevel.ALL)
    mentioning.notify(place, message, [], list(followers))
    return Sent(message.pk, place.slug, message.sequence, message.created_at)


def _locked(workspace_id: int, slug: str) -> Room:
    found = lock_rooms(Q(workspace_id=workspace_id, slug=slug))
    room = next(iter(found.values()), None)
    if room is None or room.deleted_at is not None or room.kind == RoomKind.DIRECT:
        raise NotFound("There is no such room.", errors={"room": ["There is no such room."]})
    if room.archived_at is not None:
        raise Conflict("This room is archived: nothing new is written here.")
    return room
