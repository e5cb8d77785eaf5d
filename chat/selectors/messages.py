"""Reads of messages: one by its id, and a room's by sequence."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet

from chat.models import Attachment, Mention, Message, Pin, Reaction, Revision, Room
from chat.protocol import (
    AttachmentView,
    CardView,
    HistoricalData,
    MessageView,
    ReactionView,
    ReplyView,
)
from chat.selectors.rooms import Place, find, places
from chat.text.checking import excerpt
from realtime.auth import Principal
from realtime.errors import InvalidCommand, NotFound
from realtime.protocol import rfc3339

Hanging = TypeVar("Hanging", Attachment, Mention)
View = TypeVar("View", bound=MessageView)


def find_message(principal: Principal, message_id: int) -> tuple[Message, Place]:
    """Return a message, and the user's place in its room.

    Raises:
        NotFound: there is none, or it is in a room that the user may not read.
    """
    message = Message.objects.select_related("room", "author").filter(pk=message_id).first()
    room = message.room if message else None
    slug = room.slug if room and room.workspace_id == principal.workspace_id else ""
    # Queried in either case, so that timing does not tell a missing message from a hidden one.
    place = places(principal, [slug]).get(slug)
    if message is None or place is None or message.sequence <= place.room.floor_sequence:
        raise NotFound.field("message_id", "There is no such message.")
    return message, place


# One answer is encoded, and perhaps compressed, on the event loop.
MAX_PAGE_CHARACTERS = 2**21


def history(
    principal: Principal,
    slug: str,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int,
) -> HistoricalData:
    """Return up to `limit` messages of a room, oldest first; the newest unless given a sequence.

    Fewer if they are very long (MAX_PAGE_CHARACTERS); `has_before` and `has_after` tell.

    Raises:
        NotFound: no such room is visible to the user.
        InvalidCommand: more than one of `before`, `after` and `around`.
    """
    if sum(bound is not None for bound in (before, after, around)) > 1:
        raise InvalidCommand.field("before", "Give only one of before, after and around.")
    room = find(principal, slug).room
    rows = _page(room, before, after, around, limit)
    if after is not None:
        rows = _short_enough(rows, 0)
    elif around is not None:
        rows = _short_enough(rows, bisect_left(rows, around, key=lambda row: row.sequence))
    else:
        rows = _short_enough(rows, len(rows) - 1)
    first, last = (rows[0].sequence, rows[-1].sequence) if rows else _nothing(room, before, after)
    return HistoricalData(
        room=slug,
        data=message_views(rows, room),
        has_before=first > room.floor_sequence + 1,
        has_after=last < room.head_sequence,
    )


def newest(room: Room, limit: int) -> list[Message]:
    """Return the newest messages of a room, oldest first."""
    return _short_enough(_page(room, None, None, None, limit), limit)


def _short_enough(rows: list[Message], anchor: int) -> list[Message]:
    """Return as many of the messages next to the one at `anchor` as fit into one answer."""
    if sum(_length(row) for row in rows) <= MAX_PAGE_CHARACTERS:
        return rows
    start = min(anchor, len(rows) - 1)
    stop, left = start + 1, MAX_PAGE_CHARACTERS - _length(rows[start])
    growing = True
    while growing:
        growing = False
        if start > 0 and _length(rows[start - 1]) <= left:
            start, growing = start - 1, True
            left -= _length(rows[start])
        if stop < len(rows) and _length(rows[stop]) <= left:
            left -= _length(rows[stop])
            stop, growing = stop + 1, True
    return rows[start:stop]


def _length(message: Message) -> int:
    return len(message.text) + len(message.html)


def message_views(messages: Sequence[Message], room: Room) -> list[MessageView]:
    """Return the views of messages of one room, in five queries; needs their authors."""
    return views_in(messages, {room.pk: room})


def views_in(messages: Sequence[Message], rooms: Mapping[int, Room]) -> list[MessageView]:
    """Return the views of messages of several rooms, given by id, in as many queries."""
    ids = [message.pk for message in messages if message.deleted_at is None]
    reactions = _reactions(ids)
    attachments = _grouped(Attachment.objects.filter(message_id__in=ids).order_by("id"))
    mentions = _grouped(Mention.objects.filter(message_id__in=ids, by_name=True).order_by("id"))
    pinned = set(Pin.objects.filter(message_id__in=ids).values_list("message_id", flat=True))
    replies = _replies(messages, rooms)
    views = []
    for message in messages:
        view = plain_view(message, rooms[message.room_id].slug, MessageView)
        view.reactions = reactions.get(message.pk, [])
        view.attachments = [attachment_view(each) for each in attachments[message.pk]]
        view.mentions = [mention.user_id for mention in mentions[message.pk]]
        view.pinned = message.pk in pinned
        if message.reply_to_id in replies:
            view.reply = replies[message.reply_to_id]
            view.reply_to = view.reply.message_id
        views.append(view)
    return views


def plain_view(message: Message, slug: str, into: type[View]) -> View:
    """Return the view of a message without reactions, files or the like; needs its author."""
    view = into(
        room=slug,
        sequence=message.sequence,
        message_id=message.pk,
        user_id=message.user_id,
        username=message.username,
        message=message.text,
        html=message.html,
        timestamp=rfc3339(message.created_at),
        edited_at=None if message.edited_at is None else rfc3339(message.edited_at),
        deleted=message.deleted_at is not None,
    )
    if message.client_message_id is not None:
        view.client_message_id = message.client_message_id
    if message.author_id is None:
        view.system = True
    if message.mentions_all:
        view.mentions_all = True
    if message.card_kind:
        view.card = CardView(
            kind=message.card_kind,
            reference=message.card_reference,
            state=message.card_state,
            at=rfc3339(message.created_at),
        )
    return view


def reply_view(message: Message) -> ReplyView:
    """Return the summary of a message that its replies show; needs its author."""
    return ReplyView(
        message_id=message.pk,
        sequence=message.sequence,
        user_id=message.user_id,
        username=message.username,
        excerpt=excerpt(message.text),
        deleted=message.deleted_at is not None,
    )


def attachment_view(attachment: Attachment) -> AttachmentView:
    view = AttachmentView(
        id=attachment.pk,
        name=attachment.name,
        size=attachment.size,
        content_type=attachment.content_type,
        inline=attachment.inline,
        url=f"/api/v1/attachments/{attachment.pk}/",
    )
    if attachment.width is not None and attachment.height is not None:
        view.width, view.height = attachment.width, attachment.height
    return view


def revisions(message: Message) -> QuerySet[Revision]:
    """Return the earlier texts of a message, oldest first."""
    return Revision.objects.filter(message=message).order_by("number")


def revisions_of(message_id: int) -> list[tuple[str, datetime]]:
    """Return each earlier text of a message, given by id, and when it was replaced."""
    rows = Revision.objects.filter(message_id=message_id).order_by("number")
    return list(rows.values_list("text", "replaced_at"))


def pinned_messages(principal: Principal, slug: str) -> list[MessageView]:
    """Return the views of the messages pinned in a room, newest pin first.

    Raises:
        NotFound: no such room is visible to the user.
    """
    return pins_of(find(principal, slug).room)


def pins_of(room: Room) -> list[MessageView]:
    """Return the same for a room that the user is known to be able to read."""
    return message_views(pinned(room), room)


def pinned(room: Room) -> list[Message]:
    """Return the messages pinned in a room, newest pin first, with their authors."""
    pins = Pin.objects.filter(room=room, message__sequence__gt=room.floor_sequence)
    return [pin.message for pin in pins.select_related("message__author").order_by("-id")]


def of_room(room: Room) -> QuerySet[Message]:
    """Return the messages that a room still keeps, with their authors."""
    rows = Message.objects.filter(room=room, sequence__gt=room.floor_sequence)
    return rows.select_related("author")


def _page(
    room: Room, before: int | None, after: int | None, around: int | None, limit: int
) -> list[Message]:
    rows = of_room(room)
    if around is not None:
        half = limit // 2
        older = rows.filter(sequence__lt=around).order_by("-sequence")[:half]
        newer = rows.filter(sequence__gte=around).order_by("sequence")[: limit - half]
        return [*reversed(older), *newer]
    if after is not None:
        return list(rows.filter(sequence__gt=after).order_by("sequence")[:limit])
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    return list(reversed(rows.order_by("-sequence")[:limit]))


def _nothing(room: Room, before: int | None, after: int | None) -> tuple[int, int]:
    """Return the bounds of an empty page: before the first message, or after the last one."""
    if before is not None:
        return room.floor_sequence + 1, min(before - 1, room.head_sequence)
    return min(after or 0, room.head_sequence) + 1, room.head_sequence


def _reactions(ids: Sequence[int]) -> dict[int, list[ReactionView]]:
    """Return the reactions by message, emojis in the order of their first reaction."""
    found: dict[int, dict[str, ReactionView]] = defaultdict(dict)
    rows = Reaction.objects.filter(message_id__in=ids).order_by("id")
    for message_id, emoji, user_id in rows.values_list("message_id", "emoji", "user_id"):
        new = ReactionView(emoji=emoji, user_ids=[], count=0)
        view = found[message_id].setdefault(emoji, new)
        view.user_ids.append(user_id)
        view.count += 1
    return {message_id: list(views.values()) for message_id, views in found.items()}


def _replies(messages: Iterable[Message], rooms: Mapping[int, Room]) -> dict[int | None, ReplyView]:
    ids = {message.reply_to_id for message in messages if message.reply_to_id is not None}
    if not ids:
        return {}
    answered = Message.objects.filter(pk__in=ids, room_id__in=list(rooms)).select_related("author")
    return {
        message.pk: reply_view(message)
        for message in answered
        if message.sequence > rooms[message.room_id].floor_sequence
    }


def _grouped(rows: QuerySet[Hanging]) -> dict[int | None, list[Hanging]]:
    found: dict[int | None, list[Hanging]] = defaultdict(list)
    for row in rows:
        found[row.message_id].append(row)
    return found
