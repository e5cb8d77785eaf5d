"""Durable events of a room's stream."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from chat.protocol.views import MemberView, MessageView, RoomView
from realtime.protocol import Event


class ChatMessage(MessageView, Event, tag="chat_message", kw_only=True):
    """A new message; if it was deleted or has expired since, its tombstone."""

    @property
    def subject(self) -> int:
        return self.message_id


class MessageEdited(Event, tag="message_edited", kw_only=True):
    """A message has a new text; without the text if it was `deleted` since."""

    room: str
    message_id: int
    sequence: int
    user_id: int
    message: str
    html: str
    edited_at: str
    mentions: list[int]
    mentions_all: bool | UnsetType = UNSET
    deleted: bool | UnsetType = UNSET

    @property
    def subject(self) -> int:
        return self.message_id


class MessageDeleted(Event, tag="message_deleted", kw_only=True):
    """A message's text is removed, from earlier events too; `deleted_by`: author or moderator."""

    room: str
    message_id: int
    sequence: int
    deleted_by: int
    timestamp: str


class ReactionChanged(Event, tag="reaction_changed", kw_only=True):
    """A user added or removed a reaction; `count`: users who have reacted with this emoji now."""

    room: str
    message_id: int
    sequence: int
    user_id: int
    username: str
    emoji: str
    on: bool
    count: int


class PinChanged(Event, tag="pin_changed", kw_only=True):
    room: str
    message_id: int
    sequence: int
    user_id: int
    on: bool
    timestamp: str


class MemberJoined(Event, tag="member_joined", kw_only=True):
    """A user became a member; `by`: the user who added them, themselves if they joined."""

    room: str
    member: MemberView
    by: int
    timestamp: str


class MemberUpdated(Event, tag="member_updated", kw_only=True):
    """A member's role or mute has changed."""

    room: str
    member: MemberView
    by: int
    timestamp: str


class MemberLeft(Event, tag="member_left", kw_only=True):
    """A member has gone; `reason`: `left` or `removed`. Ends all the user's subscriptions."""

    room: str
    user_id: int
    username: str
    reason: str
    by: int
    timestamp: str


class UserUpdated(Event, tag="user_updated", kw_only=True):
    """A member or an author of messages has another username or display name (`name`)."""

    room: str
    user_id: int
    username: str
    name: str
    timestamp: str


class RoomUpdated(Event, tag="room_updated", kw_only=True):
    room: str
    info: RoomView
    by: int
    timestamp: str


class RoomDeleted(Event, tag="room_deleted", kw_only=True):
    """The room was deleted. Ends everybody's subscription."""

    room: str
    by: int
    timestamp: str


class MessagesExpired(Event, tag="messages_expired", kw_only=True):
    """Messages up to and including this sequence have outlived the room's retention."""

    room: str
    through_sequence: int
    timestamp: str
