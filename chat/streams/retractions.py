"""What the events of a room still say of messages that are gone: their place, and no text."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import UNSET

from chat.protocol import (
    STREAM_PREFIX,
    ChatMessage,
    MessageDeleted,
    MessageEdited,
    MessagesExpired,
    ReplyView,
)
from realtime.streams import retractions

# The events that quote messages: those that have a subject.
_quoting: msgspec.json.Decoder[ChatMessage | MessageEdited] = msgspec.json.Decoder(
    ChatMessage | MessageEdited
)


def without(gone: Collection[int], payload: str) -> str:
    """The event that quotes a message, or answers one, without the text of those in `gone`.

    Where a client ends up with it is where the event with the text and then `message_deleted`
    would have led it.
    """
    event = _quoting.decode(payload)
    if event.message_id in gone:
        event.message = event.html = ""
        event.deleted, event.mentions, event.mentions_all = True, [], UNSET
    if isinstance(event, ChatMessage):
        if event.deleted:
            event.attachments, event.card = [], UNSET
        if isinstance(event.reply, ReplyView) and event.reply.message_id in gone:
            event.reply.excerpt, event.reply.deleted = "", True
    return event.encode().decode()


def register() -> None:
    """Have processes forget what is taken back of rooms; called when Django starts."""
    retractions.register(STREAM_PREFIX, MessageDeleted, MessagesExpired)
