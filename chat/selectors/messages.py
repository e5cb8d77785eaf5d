"""Messages: one by its id, and the conversation by sequence."""

from __future__ import annotations

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
    """A message, and the place of this person in its room.

    Raises:
        NotFound: there is none, or it is in a room that they may not read.
    """
    message = Message.objects.select_related("room", "author").filter(pk=message_id).first()
    room = message.room if message else None
    slug = room.slug if room and room.workspace_id == principal.workspace_id else ""
    # Asked in either case: what is not there takes as long as what is not theirs.
    place = places(principal, [slug]).get(slug)
    if message is None or place is None or message.sequence <= place.room.floor_sequence:
        raise NotFound.field("message_id", "There is no such message.")
    return message, place


def history(
    principal: Principal,
    slug: str,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    limit: int,
) -> HistoricalData:
    """At most `limit` messages of a room, oldest first; the newest unless a sequence is given.

    Raises:
        NotFound: there is no such room for them.
        InvalidCommand: more than one of `before`, `after` and `around`.
    """
    if sum(bound is not None for bound in (before, after, around)) > 1:
        raise InvalidCommand.field("before", "Give only one of before, after and around.")
    room = find(principal, slug).room
    rows = _page(room, before, after, around, limit)
    first, last = (rows[0].sequence, rows[-1].sequence) if rows else _nothing(room, before, after)
    return HistoricalData(
        room=slug,
        data=message_views(rows, room),
        has_before=first > room.floor_sequence + 1,
        has_after=last < room.head_sequence,
    )


def newest(room: Room, limit: int) -> list[Message]:
    """The last messages of a room, oldest first."""
    return _page(room, None, None, None, limit)


def message_views(messages: Sequence[Message], room: Room) -> list[MessageView]:
    """Messages of one room as clients see them, in five queries; needs their authors."""
    return views_in(messages, {room.pk: room})


def views_in(messages: Sequence[Message], rooms: Mapping[int, Room]) -> list[MessageView]:
    """The same of several rooms, which are given by id, in as many queries."""
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
    """A message by itself, without what hangs on it; needs its author."""
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
    """A message as those that answer it show it; needs its author."""
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
    """What the message said before, oldest first."""
    return Revision.objects.filter(message=message).order_by("number")


def revisions_of(message_id: int) -> list[tuple[str, datetime]]:
    """The same by the message's id: each text and when it was replaced."""
    rows = Revision.objects.filter(message_id=message_id).order_by("number")
    return list(rows.values_list("text", "replaced_at"))


def pinned_messages(principal: Principal, slug: str) -> list[MessageView]:
    """What is pinned in a room, the newest pin first.

    Raises:
        NotFound: there is no such room for them.
    """
    return pins_of(find(principal, slug).room)


def pins_of(room: Room) -> list[MessageView]:
    """The same of a room that is known to be theirs to read."""
    return message_views(pinned(room), room)


def pinned(room: Room) -> list[Message]:
    """The messages that are pinned in a room, the newest pin first, with their authors."""
    pins = Pin.objects.filter(room=room, message__sequence__gt=room.floor_sequence)
    return [pin.message for pin in pins.select_related("message__author").order_by("-id")]


def of_room(room: Room) -> QuerySet[Message]:
    """The messages of a room that are still kept, with their authors."""
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
    """Where an empty page lies: before the first message, or after the last one."""
    if before is not None:
        return room.floor_sequence + 1, min(before - 1, room.head_sequence)
    return min(after or 0, room.head_sequence) + 1, room.head_sequence


def _reactions(ids: Sequence[int]) -> dict[int, list[ReactionView]]:
    """By message, an emoji's place being that of its first reaction."""
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
