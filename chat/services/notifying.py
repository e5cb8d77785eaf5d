"""What of chat people are told outside of it (notifications).

`dedupe_key`s keep it to once: for each mention, and for direct rooms and rooms followed whole once
from one reading to the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import reduce
from operator import or_

from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat import links
from chat.models import Membership, Message, NotificationLevel, Room, RoomKind
from chat.text import excerpt
from notifications import kinds
from notifications.models import Notification
from notifications.services import mark_seen, notify
from realtime.auth import Principal

MENTION = "mention"
DIRECT_MESSAGE = "direct_message"
ROOM_MESSAGE = "room_message"
INVITATION = "room_invitation"

KINDS = {
    MENTION: _("Mention"),
    DIRECT_MESSAGE: _("Direct message"),
    ROOM_MESSAGE: _("Message in a room you follow"),
    INVITATION: _("Room invitation"),
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
        title=_title(_("%(who)s mentioned you in %(room)s"), author, room),
        message=excerpt(message.text),
        link=links.to_message(room.slug, message.sequence),
        dedupe_key=f"{_prefix(MENTION, room)}{message.sequence}",
    )


def posted(room: Room, message: Message, author: str, followers: Collection[Membership]) -> None:
    """Tell those who want to hear of every message, once until they have read on."""
    if not followers:
        return
    direct = room.kind == RoomKind.DIRECT
    kind = DIRECT_MESSAGE if direct else ROOM_MESSAGE
    title = _("%(who)s wrote to you") if direct else _("%(who)s wrote in %(room)s")
    for dedupe_key, user_ids in _not_told_yet(room, kind, followers).items():
        notify(
            workspace_id=room.workspace_id,
            user_ids=user_ids,
            kind=kind,
            title=_title(title, author, room),
            message=excerpt(message.text),
            link=links.to_message(room.slug, message.sequence),
            dedupe_key=dedupe_key,
        )


def _not_told_yet(room: Room, kind: str, followers: Collection[Membership]) -> dict[str, list[int]]:
    """Those who have heard nothing since they last read, by the key of what they will hear.

    Who reads along has read the same, and whoever is behind was told before: few keys are left.
    """
    keys = {
        membership.user_id: f"{_prefix(kind, room)}{membership.read_sequence + 1}"
        for membership in followers
    }
    told = set(
        Notification.objects.filter(
            workspace_id=room.workspace_id,
            user_id__in=keys,
            dedupe_key__in=set(keys.values()),
        ).values_list("user_id", "dedupe_key")
    )
    fresh: dict[str, list[int]] = defaultdict(list)
    for user_id, key in keys.items():
        if (user_id, key) not in told:
            fresh[key].append(user_id)
    return fresh


def invited(room: Room, user_id: int, by: Principal) -> None:
    """Tell somebody that they have been brought into a room."""
    if user_id == by.user_id:
        return
    notify(
        workspace_id=room.workspace_id,
        user_ids=[user_id],
        kind=INVITATION,
        title=_title(_("%(who)s added you to %(room)s"), by.username, room),
        link=links.to_room(room.slug),
    )


def read(seen: Mapping[tuple[int, int], int]) -> None:
    """What was told of messages up to a sequence has been read with them.

    All in one call, so that rows of several rooms are locked in one order.

    Args:
        seen: the sequence, by room and user.
    """
    people: dict[int, set[int]] = defaultdict(set)
    for room_id, user_id in seen:
        people[room_id].add(user_id)
    told = (
        Q(user_id__in=user_ids, dedupe_key__contains=f":{room_id}:")
        for room_id, user_ids in people.items()
    )
    unread = Notification.objects.filter(
        reduce(or_, told), read_at=None, kind__in=[MENTION, DIRECT_MESSAGE, ROOM_MESSAGE]
    )
    ids = [
        notification_id
        for notification_id, user_id, key in unread.values_list("id", "user_id", "dedupe_key")
        if _is_seen(seen, user_id, key)
    ]
    if ids:
        mark_seen(notification_ids=ids)


def wants_mention(membership: Membership | None) -> bool:
    """Whether somebody hears of mentions: who is no member does, where they may read."""
    return membership is None or membership.notify != NotificationLevel.NONE


def _title(text: Promise, who: str, room: Room) -> str:
    # It is kept as it is written here: whoever reads it need not know the sender's language.
    with translation.override(settings.LANGUAGE_CODE):
        return str(text) % {"who": who, "room": room.name or str(_("a direct room"))}


def _prefix(kind: str, room: Room) -> str:
    return f"{kind}:{room.pk}:"


def _is_seen(seen: Mapping[tuple[int, int], int], user_id: int, dedupe_key: str) -> bool:
    _kind, room_id, sequence = dedupe_key.split(":")
    return int(sequence) <= seen.get((int(room_id), user_id), 0)
