"""Notifications of chat.

The subject of a notification is the room; its subject sequence is the message's. Users are notified
once of each mention, by its `dedupe_key`. Of messages in direct rooms and in rooms that they follow
they are notified once, and again only after they have read on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.conf import settings
from django.db.models import Q
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat import links
from chat.models import Membership, Message, NotificationLevel, Room, RoomKind
from chat.text.checking import excerpt
from notifications import kinds
from notifications.selectors import told_beyond
from notifications.services import mark_subjects_read, mark_withdrawn_read, notify, take_back
from notifications.subjects import Seen, Subject
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
    """Register the kinds of notifications; called when Django starts."""
    for name, label in KINDS.items():
        kinds.register(name, label)


def mentioned(room: Room, message: Message, author: str, user_ids: Iterable[int]) -> None:
    """Notify the users whom a message mentions, once per message."""
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
        dedupe_key=f"{MENTION}:{room.pk}:{message.sequence}",
        subject=subject_of(room.pk),
        subject_sequence=message.sequence,
    )


def posted(room: Room, message: Message, author: str, followers: Collection[Membership]) -> None:
    """Notify members who want to hear of every message, once until they have read on.

    Call with the room's row locked: otherwise two concurrent messages would both notify.
    """
    if not followers:
        return
    direct = room.kind == RoomKind.DIRECT
    kind = DIRECT_MESSAGE if direct else ROOM_MESSAGE
    title = _("%(who)s wrote to you") if direct else _("%(who)s wrote in %(room)s")
    notify(
        workspace_id=room.workspace_id,
        user_ids=_not_told_yet(room, kind, followers),
        kind=kind,
        title=_title(title, author, room),
        message=excerpt(message.text),
        link=links.to_message(room.slug, message.sequence),
        subject=subject_of(room.pk),
        subject_sequence=message.sequence,
    )


def _not_told_yet(room: Room, kind: str, followers: Collection[Membership]) -> list[int]:
    """Return the users who have not been notified since they last read.

    Reads their read markers again: they may have read on since the memberships were loaded.
    """
    told = told_beyond(subject_of(room.pk), kind=kind, user="user_id", sequence="read_sequence")
    rows = Membership.objects.filter(~told, pk__in=[each.pk for each in followers])
    return list(rows.order_by().values_list("user_id", flat=True))


def invited(room: Room, user_id: int, by: Principal) -> None:
    """Notify a user that they have been added to a room."""
    if user_id == by.user_id:
        return
    notify(
        workspace_id=room.workspace_id,
        user_ids=[user_id],
        kind=INVITATION,
        title=_title(_("%(who)s added you to %(room)s"), by.username, room),
        link=links.to_room(room.slug),
        subject=subject_of(room.pk),
    )


def read(seen: Mapping[tuple[int, int], int]) -> None:
    """Mark the notifications of messages up to a sequence as read.

    One call for all rooms, so that the rows of several rooms are locked in one order.

    Args:
        seen: the sequence, by room and user ids.
    """
    mark_subjects_read(
        seen=[
            Seen(subject_of(room_id), user_id, through)
            for (room_id, user_id), through in seen.items()
        ]
    )


def withdraw(
    room: Room,
    *,
    gone: Collection[int],
    uncalled: tuple[int, Collection[int]],
    nothing_left: Collection[int],
) -> None:
    """Mark notifications that lead to nothing unread any more as read.

    A mention's notification goes with its message. That of other messages stands for all since the
    user read, so it stays until none of them is left.

    Args:
        gone: sequences of messages that are deleted or have expired.
        uncalled: a message's sequence, and users whom it no longer mentions.
        nothing_left: users with no unread message in the room.
    """
    sequence, users = uncalled
    mark_withdrawn_read(
        subject=subject_of(room.pk),
        touched=Q(subject_sequence__in=list(gone)),
        withdrawn=Q(kind=MENTION, subject_sequence__in=list(gone))
        | Q(kind=MENTION, subject_sequence=sequence, user_id__in=list(users))
        | Q(kind__in=[DIRECT_MESSAGE, ROOM_MESSAGE], user_id__in=list(nothing_left)),
    )


def empty(room: Room, sequences: Collection[int]) -> None:
    """Empty the texts of the notifications of messages that are gone."""
    take_back(workspace_id=room.workspace_id, subject=subject_of(room.pk), sequences=sequences)


def close(room: Room, user_id: int | None = None) -> None:
    """Mark a user's, or everybody's, notifications of a room that is closed to them as read."""
    whose = Q() if user_id is None else Q(user_id=user_id)
    mark_withdrawn_read(subject=subject_of(room.pk), withdrawn=whose)


def subject_of(room_id: int) -> Subject:
    """Return a room as the subject of notifications."""
    return Subject("room", room_id)


def wants_mention(membership: Membership | None) -> bool:
    """Return whether a user wants mentions; non-members (None) who may read the room do."""
    return membership is None or membership.notify != NotificationLevel.NONE


def _title(text: Promise, who: str, room: Room) -> str:
    # Stored as rendered, so not in the sender's language, which readers need not know.
    with translation.override(settings.LANGUAGE_CODE):
        return str(text) % {"who": who, "room": room.name or str(_("a direct room"))}
