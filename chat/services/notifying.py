"""What of chat people are told outside of it (notifications).

`dedupe_key`s keep it to once: for each mention, and for direct rooms and rooms followed whole once
from one reading to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat import links
from chat.models import Membership, Message, NotificationLevel, Room, RoomKind
from chat.text import excerpt
from notifications import kinds
from notifications.models import Notification
from notifications.services import mark_read, notify
from realtime.auth import Principal

MENTION = "mention"
DIRECT_MESSAGE = "direct_message"
ROOM_MESSAGE = "room_message"
INVITATION = "room_invitation"

KINDS = {
    MENTION: gettext_lazy("Mention"),
    DIRECT_MESSAGE: gettext_lazy("Direct message"),
    ROOM_MESSAGE: gettext_lazy("Message in a room you follow"),
    INVITATION: gettext_lazy("Room invitation"),
}


def register_kinds() -> None:
    """Make the kinds known; called when Django starts."""
    for name, label in KINDS.items():
        kinds.register(name, label)


def mentioned(room: Room, message: Message, author: str, user_ids: Iterable[int]) -> None:
    """Tell those whom a message mentions, once for each message."""
    told = sorted(user_ids)
    if not told:
        return
    notify(
        workspace_id=room.workspace_id,
        user_ids=told,
        kind=MENTION,
        title=_("%(who)s mentioned you in %(room)s") % {"who": author, "room": title_of(room)},
        message=excerpt(message.text),
        link=links.to_message(room.slug, message.sequence),
        dedupe_key=f"{_prefix(MENTION, room)}{message.sequence}",
    )


def posted(room: Room, message: Message, author: str, followers: Collection[Membership]) -> None:
    """Tell those who want to hear of every message, once until they have read on."""
    direct = room.kind == RoomKind.DIRECT
    kind = DIRECT_MESSAGE if direct else ROOM_MESSAGE
    title = _("%(who)s wrote to you") if direct else _("%(who)s wrote in %(room)s")
    for membership in followers:
        notify(
            workspace_id=room.workspace_id,
            user_ids=[membership.user_id],
            kind=kind,
            title=title % {"who": author, "room": title_of(room)},
            message=excerpt(message.text),
            link=links.to_message(room.slug, message.sequence),
            dedupe_key=f"{_prefix(kind, room)}{membership.read_sequence + 1}",
        )


def invited(room: Room, user_id: int, by: Principal) -> None:
    """Tell somebody that they have been brought into a room."""
    if user_id == by.user_id:
        return
    notify(
        workspace_id=room.workspace_id,
        user_ids=[user_id],
        kind=INVITATION,
        title=_("%(who)s added you to %(room)s") % {"who": by.username, "room": title_of(room)},
        link=links.to_room(room.slug),
    )


def read(principal: Principal, room: Room, sequence: int) -> None:
    """What was told of messages up to `sequence` has been read with them."""
    unread = Notification.objects.filter(
        workspace_id=principal.workspace_id,
        user_id=principal.user_id,
        read_at=None,
        kind__in=[MENTION, DIRECT_MESSAGE, ROOM_MESSAGE],
        link__startswith=links.to_room(room.slug),
    )
    ids = [
        notification_id
        for notification_id, key in unread.values_list("id", "dedupe_key")
        if _sequence(key) <= sequence
    ]
    if ids:
        mark_read(principal=principal, notification_ids=ids)


def wants_mention(membership: Membership | None) -> bool:
    """Whether somebody hears of mentions: who is no member does, where they may read."""
    return membership is None or membership.notify != NotificationLevel.NONE


def title_of(room: Room) -> str:
    return room.name or _("a direct room")


def _prefix(kind: str, room: Room) -> str:
    return f"{kind}:{room.pk}:"


def _sequence(dedupe_key: str) -> int:
    number = dedupe_key.rpartition(":")[2]
    return int(number) if number.isdigit() else 0
