"""Views of messages, rooms and members, for events, replies and REST."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType


class ReactionView(Struct, kw_only=True):
    emoji: str
    user_ids: list[int]
    count: int


class AttachmentView(Struct, kw_only=True):
    """A message's file. `inline`: an image shown in place; `width` and `height` are in pixels."""

    id: int
    name: str
    size: int
    content_type: str
    inline: bool
    url: str
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET


class ReplyView(Struct, kw_only=True):
    """A summary of the message replied to; `excerpt` is empty if it is deleted."""

    message_id: int
    sequence: int
    user_id: int
    username: str
    excerpt: str
    deleted: bool = False


class CardView(Struct, kw_only=True):
    """A live card in its state when posted, at the time `at`."""

    kind: str
    reference: str
    state: dict[str, Any] | None
    at: str


class MessageView(Struct, kw_only=True):
    """A message as history, snapshots and events show it.

    `system`: written by Pitwall itself, not by a user; `user_id` is then 0.
    """

    room: str
    sequence: int
    message_id: int
    user_id: int
    username: str
    message: str
    html: str
    timestamp: str
    reply_to: Annotated[int, Meta(description="The answered message's id.")] | UnsetType = UNSET
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
    """An accepted message; `duplicate`: it was stored before, under the same client id."""

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


class RestrictionView(Struct, kw_only=True):
    """What is kept of the moderation of a user who is not a member of the room.

    `role`: the highest role on joining again; `removed`: the user cannot join by themselves.
    """

    user_id: int
    username: str
    name: str
    role: str | None
    muted_until: str | None
    removed: bool
    since: str


class RoomView(Struct, kw_only=True):
    """A room without the fields that depend on the user."""

    slug: str
    name: str
    topic: str
    kind: str
    retention_days: int | None
    archived: bool
    head_sequence: int
    first_sequence: int


class LastMessage(Struct, kw_only=True):
    """A summary of a room's newest message, for lists of rooms."""

    message_id: int
    sequence: int
    user_id: int
    username: str
    excerpt: str
    timestamp: str


class RoomSummary(RoomView, kw_only=True):
    """A room as one user sees it. `user_id` and `username`: the other user of a direct room.

    `role` is null if the user may read the room without being a member. `removed`: moderators
    removed the user, who cannot join until someone adds them again.
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
    removed: bool | UnsetType = UNSET
