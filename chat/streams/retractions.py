"""Retractions of rooms: events of messages that are gone keep their place, but no text."""

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
    """Return an event that quotes or answers a message, without the text of those in `gone`.

    A client ends up in the same state as after the original event and then `message_deleted`.
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
    """Register the retractions of rooms; called when Django starts."""
    retractions.register(STREAM_PREFIX, MessageDeleted, MessagesExpired)
