"""What only REST gives of chat; all else looks as it does on the socket (chat.protocol.views)."""

from __future__ import annotations

from msgspec import Struct

from chat.protocol.views import AttachmentView, MessageView
from realtime.http.pages import Page


class MessagePage(Page[MessageView], kw_only=True):
    """Messages by sequence, oldest first; `previous` leads to older ones."""


class ExcerptView(Struct, kw_only=True):
    """A piece of a message; `ranges`: where each match begins and ends in it."""

    text: str
    ranges: list[tuple[int, int]]


class FoundMessage(MessageView, kw_only=True):
    """A message that a search has found."""

    excerpt: ExcerptView


class FoundPage(Page[FoundMessage], kw_only=True):
    """Messages that a search has found, newest first."""


class ListedAttachment(AttachmentView, kw_only=True):
    """A file in the list of a room: the message that it is attached to, whose it is, since when."""

    message_id: int
    sequence: int
    user_id: int
    username: str
    timestamp: str


class AttachmentPage(Page[ListedAttachment], kw_only=True):
    """The files of a room, newest first."""


class RevisionView(Struct, kw_only=True):
    """What a message said until `replaced_at`; the first one is number 1."""

    number: int
    text: str
    replaced_at: str


class ReadView(Struct, kw_only=True):
    """How far one has read a room, and what is left."""

    room: str
    sequence: int
    unread: int
    mentions: int


class RenderedText(Struct, kw_only=True):
    """A text as a message would show it."""

    html: str
