"""Editing and deleting messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts import audit
from chat import selectors
from chat.files import uploads
from chat.models import (
    Attachment,
    Membership,
    Mention,
    Message,
    Pin,
    Reaction,
    Revision,
    Room,
)
from chat.policy import RoomAction, require
from chat.protocol import MessageDeleted, MessageEdited
from chat.selectors import Place
from chat.services import mentioning, notifying
from chat.services.common import lock_rooms, tell
from chat.services.counting import count_again
from chat.services.drafts import CheckedText, write
from chat.services.retracting import retract
from realtime.auth import Principal
from realtime.errors import Conflict, PermissionDenied
from realtime.protocol import rfc3339
from realtime.streams.unit_of_work import unit_of_work

MAX_REASON_LENGTH = 250
# Stands for "whatever it says now" where None means something.
ANY_VERSION: Any = object()
DELETE_MESSAGE = audit.action("delete_message", gettext_lazy("Message deleted"))


def edit_message(
    *,
    principal: Principal,
    message_id: int,
    text: str,
    confirm: bool = False,
    expected_edited_at: datetime | None = ANY_VERSION,
) -> Message:
    """Change the text of the user's own message; the earlier text is kept as a revision.

    Args:
        expected_edited_at: when the text that was edited had been edited itself (None: never).
            Two who edit one message at once do not undo each other unawares.

    Raises:
        NotFound: no such message is visible to the user.
        PermissionDenied: the message is another user's, or the user may not post there.
        InvalidCommand: the text is empty or too long.
        Conflict: the message is deleted, the room archived, @all calls many users without
            confirmation, or the message says something else than was expected.
    """
    message, place = selectors.find_message(principal, message_id)
    may_be_empty = bool(message.card_kind) or message.attachments.exists()
    written = write(principal, place.room.slug, text, may_be_empty=may_be_empty)
    return _edit(principal, message_id, written, confirm, expected_edited_at)


@unit_of_work
def _edit(
    principal: Principal, message_id: int, written: CheckedText, confirm: bool, expected: Any
) -> Message:
    message, place = locked_message(principal, message_id)
    if message.author_id != principal.user_id:
        raise PermissionDenied("Only its author edits a message.")
    now = timezone.now()
    require(place.standing, RoomAction.POST, now)
    if written.text == message.text:
        return message
    if expected is not ANY_VERSION and expected != message.edited_at:
        raise Conflict.field("expected_edited_at", "The message was edited elsewhere meanwhile.")
    members = list(Membership.objects.filter(room=place.room))
    if not message.mentions_all:
        mentioning.check_call_to_all(place, written, len(members) - 1, confirm, now)
    number = Revision.objects.filter(message=message).count() + 1
    Revision.objects.create(message=message, number=number, text=message.text, replaced_at=now)
    message.text, message.html = written.text, written.html
    message.mentions_all, message.edited_at = written.mentions_all, now
    message.save(update_fields=["text", "search_text", "html", "mentions_all", "edited_at"])
    _mention_anew(message, written, members)
    return message


def _mention_anew(message: Message, written: CheckedText, members: list[Membership]) -> None:
    """Replace the mentions, tell the room, and notify users who were not mentioned before."""
    room = message.room
    before = set(message.mentions.values_list("user_id", flat=True))
    rows = mentioning.rows(room, message, written, members)
    message.mentions.all().delete()
    Mention.objects.bulk_create(rows)
    event = MessageEdited(
        room=room.slug,
        message_id=message.pk,
        sequence=message.sequence,
        user_id=message.user_id,
        message=message.text,
        html=message.html,
        edited_at=rfc3339(message.edited_at or timezone.now()),
        mentions=[row.user_id for row in rows if row.by_name],
    )
    if message.mentions_all:
        event.mentions_all = True
    tell(room, event)
    by_user = {membership.user_id: membership for membership in members}
    called = [
        row.user_id
        for row in rows
        if row.user_id not in before and notifying.wants_mention(by_user.get(row.user_id))
    ]
    notifying.mentioned(room, message, message.username, called)
    after = {row.user_id for row in rows}
    if before != after:
        count_again(room, uncalled=(message.sequence, before - after), beyond=message.sequence)


@unit_of_work
def delete_message(*, principal: Principal, message_id: int, reason: str = "") -> Message:
    """Delete the user's own message, or as a moderator another user's; a tombstone stays.

    The text, its revisions and its files are removed for good, also from the events that resuming
    clients get and from notifications. Who deleted it and why is recorded. Deleting it again
    changes nothing.

    Raises:
        NotFound: no such message is visible to the user.
        PermissionDenied: the message is another user's, and the user is not a moderator.
    """
    message, place = locked_message(principal, message_id, deleted_too=True)
    mine = message.author_id == principal.user_id
    if not mine and RoomAction.DELETE_MESSAGES not in place.standing.actions:
        raise PermissionDenied("Only its author and moderators delete a message.")
    if message.deleted_at is not None:
        return message
    message.deleted_at, message.deleted_by_id = timezone.now(), principal.user_id
    message.text = message.html = message.card_kind = message.card_reference = ""
    message.card_state, message.mentions_all = None, False
    message.save()
    _put_on_record(message, place.room, principal.user_id, reason[:MAX_REASON_LENGTH])
    _take_off(message)
    # Before the retraction: it locks notifications, all of the room's in one order.
    count_again(place.room, gone=[message.sequence], beyond=message.sequence)
    retract(place.room, {message.pk: message.sequence})
    tell(
        place.room,
        MessageDeleted(
            room=place.room.slug,
            message_id=message.pk,
            sequence=message.sequence,
            deleted_by=principal.user_id,
            timestamp=rfc3339(message.deleted_at),
        ),
    )
    return message


def _put_on_record(message: Message, room: Room, by: int, reason: str) -> None:
    """Record the message's author, its place and the reason, but nothing of its text."""
    audit.record(
        DELETE_MESSAGE,
        audit.Target.of(message, f"{room.slug} #{message.sequence}"),
        workspace_id=room.workspace_id,
        staff_only=not room.is_open,
        details={
            "room": room.slug,
            "sequence": message.sequence,
            "author_id": message.author_id,
            "author": message.username,
            "reason": reason,
        },
        by=by,
    )


def _take_off(message: Message) -> None:
    """Remove everything that belongs to a message."""
    for model in (Revision, Reaction, Mention, Pin):
        model.objects.filter(message=message).delete()
    remove_files(list(message.attachments.all()))


def remove_files(attachments: list[Attachment]) -> None:
    """Remove attachments, and on commit their files."""
    Attachment.objects.filter(pk__in=[attachment.pk for attachment in attachments]).delete()
    keys = [attachment.key for attachment in attachments]
    transaction.on_commit(lambda: uploads.remove(keys))


def locked_message(
    principal: Principal, message_id: int, *, deleted_too: bool = False
) -> tuple[Message, Place]:
    """Return a message with its row, then its room's row, locked until the transaction ends.

    The room's lock is needed because replies quote the message under it.

    Raises:
        NotFound: no such message is visible to the user.
        Conflict: the message is deleted.
    """
    _message, place = selectors.find_message(principal, message_id)
    # Ordered by id: the model's own ordering would join, and lock, the workspace.
    Message.objects.select_for_update(no_key=True).filter(pk=message_id).order_by("pk").first()
    lock_rooms(Q(pk=place.room.pk))
    message, place = selectors.find_message(principal, message_id)
    if message.deleted_at is not None and not deleted_too:
        raise Conflict("This message is deleted.")
    return message, place
