"""Posting of messages: assigns their sequences, many in one transaction if many wait.

The rooms are locked, in the order of their ids, before the sequences are assigned and until the
commit. So reads under that lock (memberships, messages sent before) are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TypeVar

from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from chat.models import (
    Attachment,
    Membership,
    Mention,
    Message,
    NotificationLevel,
    Restriction,
    Role,
    Room,
    RoomKind,
)
from chat.policy import RoomAction, require
from chat.protocol import ChatMessage, SentView
from chat.selectors.messages import attachment_view, plain_view, reply_view
from chat.selectors.rooms import Place, standing_of
from chat.services import mentioning, notifying
from chat.services.common import enroll, lock_rooms, show_room, tell
from chat.services.drafts import Draft, draft_message
from realtime.auth import Principal
from realtime.database.bulk import set_numbers
from realtime.errors import AppError, NotFound
from realtime.protocol import rfc3339
from realtime.streams.unit_of_work import unit_of_work

View = TypeVar("View", bound=SentView)
# (room id, author id, client_message_id)
ClientKey = tuple[int, int, str]


@dataclass(frozen=True)
class Sent:
    """A stored message; `duplicate`: it was stored before, under the same client id."""

    message_id: int
    room: str
    sequence: int
    created_at: datetime
    duplicate: bool = False

    def view(self, into: type[View]) -> View:
        """Return the view of it that its sender gets."""
        return into(
            room=self.room,
            sequence=self.sequence,
            message_id=self.message_id,
            duplicate=self.duplicate,
            timestamp=rfc3339(self.created_at),
        )


def send_message(
    *,
    principal: Principal,
    room: str,
    text: str,
    client_message_id: str | None = None,
    reply_to: int | None = None,
    attachments: Sequence[int] = (),
    card: tuple[str, str] | None = None,
    confirm: bool = False,
) -> Sent:
    """Post a message; if its `client_message_id` was used before, return that message instead.

    Raises:
        InvalidCommand: the text is empty or too long, or another field is invalid.
        NotFound: no such room, message to reply to, attachment or card is visible to the user.
        PermissionDenied: the user may not post there, or may not call everybody.
        Conflict: the room is archived, or @all calls many users without confirmation.
    """
    draft = draft_message(
        principal=principal,
        room=room,
        text=text,
        client_message_id=client_message_id,
        reply_to=reply_to,
        attachments=attachments,
        card=card,
        confirm=confirm,
    )
    (result,) = post_drafts([draft])
    if isinstance(result, AppError):
        raise result
    return result


@dataclass
class _Posting:
    """The messages of one transaction, and the data loaded for their rooms."""

    now: datetime
    rooms: dict[tuple[int, str], Room]
    memberships: dict[int, dict[int, Membership]]
    sent: dict[ClientKey, Sent]
    answered: dict[int, Message]
    files: dict[int, Attachment]
    # What is kept of the moderation of authors who are not members, by room and user ids.
    kept: dict[tuple[int, int], Restriction]
    # Accepted in this transaction, by client id: a batch may contain the same one twice.
    accepted: dict[ClientKey, Message] = field(default_factory=dict)
    new: list[tuple[Draft, Room, Message]] = field(default_factory=list)
    joined: list[Membership] = field(default_factory=list)

    def members(self, room: Room) -> list[Membership]:
        """Return the members of the room that have been loaded."""
        return list(self.memberships[room.pk].values())


@unit_of_work
def post_drafts(drafts: Sequence[Draft]) -> list[Sent | AppError]:
    """Post messages of any users to any rooms in one transaction.

    Returns each one's result, in order: a refused message does not affect the others.
    """
    posting = _prepare(drafts)
    results = [_accept_or_refuse(posting, draft) for draft in drafts]
    _store(posting)
    return [result() for result in results]


def _prepare(drafts: Sequence[Draft]) -> _Posting:
    """Lock the rooms, and load everything needed to decide on the messages."""
    answers = [draft.reply_to for draft in drafts if draft.reply_to is not None]
    attached = [file for draft in drafts for file in draft.attachments]
    rooms = _lock_rooms(drafts)
    answered = Message.objects.filter(pk__in=answers).select_related("author") if answers else []
    waiting = Attachment.objects.filter(pk__in=attached, message=None)
    files = waiting.select_for_update(no_key=True).order_by("pk") if attached else []
    existing = [room for room in rooms.values() if room.deleted_at is None]
    memberships = _memberships(rooms, drafts)
    return _Posting(
        now=timezone.now(),
        rooms={(room.workspace_id, room.slug): room for room in existing},
        memberships=memberships,
        kept=_kept(memberships, drafts),
        sent=_sent_before(rooms, drafts),
        answered={message.pk: message for message in answered},
        files={file.pk: file for file in files},
    )


def _lock_rooms(drafts: Sequence[Draft]) -> dict[int, Room]:
    named: dict[int, set[str]] = defaultdict(set)
    for draft in drafts:
        named[draft.principal.workspace_id].add(draft.room)
    wanted = (Q(workspace_id=workspace_id, slug__in=slugs) for workspace_id, slugs in named.items())
    return lock_rooms(reduce(or_, wanted))


def _memberships(
    rooms: dict[int, Room], drafts: Sequence[Draft]
) -> dict[int, dict[int, Membership]]:
    """Return the memberships of authors and of users to notify, by room and user ids."""
    people = {draft.principal.user_id for draft in drafts}
    for draft in drafts:
        people.update(draft.written.mentioned)
    wanted = Q(user_id__in=people) | Q(notify=NotificationLevel.ALL)
    whole = [room.pk for room in rooms.values() if room.kind == RoomKind.DIRECT]
    calling = {draft.room for draft in drafts if draft.written.mentions_all}
    whole += [room.pk for room in rooms.values() if room.slug in calling]
    if whole:
        wanted |= Q(room_id__in=whole)
    found: dict[int, dict[int, Membership]] = {room_id: {} for room_id in rooms}
    for membership in Membership.objects.filter(wanted, room_id__in=list(rooms)):
        found[membership.room_id][membership.user_id] = membership
    return found


def _kept(
    memberships: dict[int, dict[int, Membership]], drafts: Sequence[Draft]
) -> dict[tuple[int, int], Restriction]:
    authors = {draft.principal.user_id for draft in drafts}
    if all(authors <= members.keys() for members in memberships.values()):
        return {}
    rows = Restriction.objects.filter(room_id__in=list(memberships), user_id__in=authors)
    return {(kept.room_id, kept.user_id): kept for kept in rows}


def _sent_before(rooms: dict[int, Room], drafts: Sequence[Draft]) -> dict[ClientKey, Sent]:
    ids = {draft.client_message_id for draft in drafts if draft.client_message_id is not None}
    if not ids:
        return {}
    rows = Message.objects.filter(
        room_id__in=list(rooms),
        author_id__in={draft.principal.user_id for draft in drafts},
        client_message_id__in=ids,
    ).values_list("room_id", "author_id", "client_message_id", "pk", "sequence", "created_at")
    return {
        (room_id, author_id, client_id or ""): Sent(
            pk, rooms[room_id].slug, sequence, created_at, duplicate=True
        )
        for room_id, author_id, client_id, pk, sequence, created_at in rows
    }


def _accept_or_refuse(posting: _Posting, draft: Draft) -> Callable[[], Sent | AppError]:
    """Decide on one message; return a function that gives the result once all are stored."""
    try:
        found, duplicate = _accept(posting, draft)
    except AppError as error:
        refusal = error
        return lambda: refusal
    if isinstance(found, Sent):
        return lambda: found
    return lambda: Sent(found.pk, draft.room, found.sequence, found.created_at, duplicate)


def _accept(posting: _Posting, draft: Draft) -> tuple[Sent | Message, bool]:
    """Assign a message its sequence, or find the one sent before (True: a duplicate)."""
    user_id = draft.principal.user_id
    place = _place(posting, draft)
    room = place.room
    key = (room.pk, user_id, draft.client_message_id or "")
    if draft.client_message_id is not None:
        if key in posting.sent:
            return posting.sent[key], True
        if key in posting.accepted:
            return posting.accepted[key], True
    require(place.standing, RoomAction.POST, posting.now)
    members = sum(each.user_id != user_id for each in posting.members(room))
    mentioning.check_call_to_all(place, draft.written, members, draft.confirm, posting.now)
    _check_answer(posting, draft, room)
    _take_files(posting, draft, room)
    if place.membership is None:
        joined = enroll(room, user_id, Role.MEMBER, user_id)
        posting.memberships[room.pk][user_id] = joined
        posting.joined.append(joined)
    # Must not refuse from here on, or the sequence would have gaps.
    room.head_sequence += 1
    message = _message(posting, draft, room)
    posting.new.append((draft, room, message))
    if draft.client_message_id is not None:
        posting.accepted[key] = message
    return message, False


def _place(posting: _Posting, draft: Draft) -> Place:
    principal = draft.principal
    room = posting.rooms.get((principal.workspace_id, draft.room))
    membership = posting.memberships[room.pk].get(principal.user_id) if room else None
    if room is None or (room.kind != RoomKind.PUBLIC and membership is None):
        raise NotFound.field("room", "There is no such room.")
    kept = posting.kept.get((room.pk, principal.user_id)) if membership is None else None
    return Place(room, membership, standing_of(principal.role, room, membership, kept))


def _check_answer(posting: _Posting, draft: Draft, room: Room) -> None:
    if draft.reply_to is None:
        return
    answered = posting.answered.get(draft.reply_to)
    if answered is None or answered.room_id != room.pk or answered.sequence <= room.floor_sequence:
        raise NotFound.field("reply_to", "There is no such message in this room.")


def _take_files(posting: _Posting, draft: Draft, room: Room) -> None:
    """Claim the draft's files: each must be its author's, for this room, and in no message yet."""
    for file_id in draft.attachments:
        file = posting.files.get(file_id)
        if file is None or (file.room_id, file.uploader_id) != (room.pk, draft.principal.user_id):
            raise NotFound.field(
                "attachments", "There is no such file of yours waiting for this room."
            )
    for file_id in draft.attachments:
        del posting.files[file_id]


def _message(posting: _Posting, draft: Draft, room: Room) -> Message:
    card = draft.card
    return Message(
        room=room,
        sequence=room.head_sequence,
        author=User(pk=draft.principal.user_id, username=draft.principal.username),
        text=draft.written.text,
        html=draft.written.html,
        client_message_id=draft.client_message_id,
        reply_to_id=draft.reply_to,
        mentions_all=draft.written.mentions_all,
        created_at=posting.now,
        card_kind=card.kind if card else "",
        card_reference=card.reference if card else "",
        card_state=card.state if card else None,
    )


def _store(posting: _Posting) -> None:
    if not posting.new:
        return
    Message.objects.bulk_create([message for _, _, message in posting.new])
    _store_heads(posting)
    mentions = [
        mention
        for draft, room, message in posting.new
        for mention in mentioning.rows(room, message, draft.written, posting.members(room))
    ]
    if mentions:
        Mention.objects.bulk_create(mentions)
    for draft, room, message in posting.new:
        named = [each.user_id for each in mentions if each.message_id == message.pk]
        by_name = [each for each in mentions if each.message_id == message.pk and each.by_name]
        tell(room, _event(posting, draft, room, message, [each.user_id for each in by_name]))
        mentioning.notify(room, message, named, posting.members(room))
    for membership in posting.joined:
        show_room(membership.room, membership.user_id)


def _store_heads(posting: _Posting) -> None:
    """Store the rooms' heads; mark rooms and notifications as read up to the authors' messages."""
    read: dict[int, int] = {}
    seen: dict[tuple[int, int], int] = {}
    for _, room, message in posting.new:
        membership = posting.memberships[room.pk][message.user_id]
        membership.read_sequence = read[membership.pk] = message.sequence
        seen[room.pk, message.user_id] = message.sequence
    heads = {room.pk: room.head_sequence for _, room, _ in posting.new}
    set_numbers(Room, "head_sequence", heads)
    set_numbers(Membership, "read_sequence", read)
    notifying.read(seen)


def _event(
    posting: _Posting, draft: Draft, room: Room, message: Message, named: list[int]
) -> ChatMessage:
    event = plain_view(message, room.slug, ChatMessage)
    event.mentions = named
    if draft.reply_to is not None:
        event.reply_to = draft.reply_to
        event.reply = reply_view(posting.answered[draft.reply_to])
    if draft.attachments:
        files = Attachment.objects.filter(pk__in=draft.attachments)
        files.update(message=message)
        event.attachments = [attachment_view(file) for file in files.order_by("id")]
    return event
