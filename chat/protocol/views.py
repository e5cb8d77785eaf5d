"""What messages, rooms and members look like, in events, replies and over REST."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class ReactionView(Struct, kw_only=True):
    emoji: str
    user_ids: list[int]
    count: int


class AttachmentView(Struct, kw_only=True):
    """`inline`: an image that is shown where it stands; width and height are its pixels."""

    id: int
    name: str
    size: int
    content_type: str
    inline: bool
    url: str
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET


class ReplyView(Struct, kw_only=True):
    """The message that one answers, in short; `excerpt` is empty when it is deleted."""

    message_id: int
    sequence: int
    user_id: int
    username: str
    excerpt: str
    deleted: bool = False


class CardView(Struct, kw_only=True):
    """A live card as it stood when it was posted: `at` is when."""

    kind: str
    reference: str
    state: dict[str, Any] | None
    at: str


class MessageView(Struct, kw_only=True):
    """One message as history, snapshots and events show it.

    `system`: no user wrote it but Pitwall itself; `user_id` is 0 then.
    """

    room: str
    sequence: int
    message_id: int
    user_id: int
    username: str
    message: str
    html: str
    timestamp: str
    reply_to: int | UnsetType = UNSET
    reply: ReplyView | UnsetType = UNSET
    edited_at: str | None = None
    deleted: bool = False
    reactions: list[ReactionView] = []
    attachments: list[AttachmentView] = []
    mentions: list[int] = []
    mentions_all: bool | UnsetType = UNSET
    card: CardView | UnsetType = UNSET
    client_message_id: str | UnsetType = UNSET
    pinned: bool = False
    system: bool | UnsetType = UNSET


class SentView(Struct, kw_only=True):
    """A message that was taken; `duplicate`: it was there already, under the same client id."""

    room: str
    sequence: int
    message_id: int
    duplicate: bool
    timestamp: str


class MemberView(Struct, kw_only=True):
    user_id: int
    username: str
    name: str
    role: str
    muted_until: str | None = None
    present: bool | UnsetType = UNSET


class RoomView(Struct, kw_only=True):
    """A room without what is one's own of it."""

    slug: str
    name: str
    topic: str
    kind: str
    retention_days: int | None
    archived: bool
    head_sequence: int
    first_sequence: int


class LastMessage(Struct, kw_only=True):
    """What a list of rooms shows of a room's newest message."""

    message_id: int
    sequence: int
    user_id: int
    username: str
    excerpt: str
    timestamp: str


class RoomSummary(RoomView, kw_only=True):
    """A room as one person has it. `user_id` and `username`: the other one of a direct room.

    `role` is null where one may read without being a member.
    """

    role: str | None
    member_count: int
    read_sequence: int
    unread: int
    mentions: int
    notify: str
    muted_until: str | None = None
    may_post: bool = False
    permissions: list[str] = []
    last_message: LastMessage | None = None
    user_id: int | UnsetType = UNSET
    username: str | UnsetType = UNSET
