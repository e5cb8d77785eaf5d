"""Response documents that only REST has; all others are the socket's (chat.protocol.views)."""

from __future__ import annotations

from msgspec import Struct

from chat.protocol.views import AttachmentView, MessageView
from realtime.http.pages import Page


class MessagePage(Page[MessageView], kw_only=True):
    """Messages by sequence, oldest first; `previous` links to older ones."""


class ExcerptView(Struct, kw_only=True):
    """An excerpt of a message; `ranges`: the start and end of each match in it."""

    text: str
    ranges: list[tuple[int, int]]


class FoundMessage(MessageView, kw_only=True):
    """A message found by a search."""

    excerpt: ExcerptView


class FoundPage(Page[FoundMessage], kw_only=True):
    """Messages found by a search, newest first."""


class ListedAttachment(AttachmentView, kw_only=True):
    """A file in a room's list, with its message, its uploader and its upload time."""

    message_id: int
    sequence: int
    user_id: int
    username: str
    timestamp: str


class AttachmentPage(Page[ListedAttachment], kw_only=True):
    """The files of a room, newest first."""


class RevisionView(Struct, kw_only=True):
    """An earlier text of a message, replaced at `replaced_at`; the first is number 1."""

    number: int
    text: str
    replaced_at: str


class ReadView(Struct, kw_only=True):
    """The user's read marker in a room, and the unread counts."""

    room: str
    sequence: int
    unread: int
    mentions: int


class RenderedText(Struct, kw_only=True):
    """A text rendered as a message."""

    html: str
