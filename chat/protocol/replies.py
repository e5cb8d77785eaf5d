"""Replies to commands."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from chat.protocol.views import (
    AttachmentView,
    MemberView,
    MessageView,
    RoomSummary,
    SentView,
)
from realtime.messages import Ack
from realtime.protocol import ConfirmedPosition, Event


class Subscribed(Struct, kw_only=True):
    """The user's standing in a room. In a large one `members` may have fewer than `member_count`.

    `away`: ids of users who are connected to it and away.
    """

    members: list[MemberView]
    away: list[int] = []
    member_count: int
    unread: int
    mentions: int
    read_sequence: int
    head_sequence: int
    role: str | None


class SubscriptionConfirmed(Event, tag="subscription_confirmed", kw_only=True):
    """The rooms that are followed now.

    `not_followed`: rooms of the user that a `subscribe` to all had no place left for.
    """

    rooms: dict[str, Subscribed]
    positions: dict[str, ConfirmedPosition]
    not_followed: list[str] | UnsetType = UNSET


class UnsubscriptionConfirmed(Event, tag="unsubscription_confirmed", kw_only=True):
    """Rooms that are no longer followed; with a `reason` if the client did not ask for it."""

    rooms: list[str]
    reason: str | UnsetType = UNSET


class RoomSnapshot(Event, tag="room_snapshot", kw_only=True):
    """A room's current state and newest messages, from which to start after `recovered: false`.

    `epoch` and `offset` are the confirmed position; `data` is oldest first. `present` has the ids
    of the users connected to it, `away` of those among them who are away.
    """

    room: str
    stream: str
    epoch: str
    offset: int
    info: RoomSummary
    members: list[MemberView]
    present: list[int]
    away: list[int]
    pins: list[MessageView]
    data: list[MessageView]


class HistoricalData(Event, tag="historical_data", kw_only=True):
    """Messages, oldest first, and whether there are more on either side."""

    room: str
    data: list[MessageView]
    has_before: bool
    has_after: bool


class MemberList(Event, tag="members", kw_only=True):
    room: str
    data: list[MemberView]


class SentAck(SentView, Ack, tag="ack", kw_only=True):
    """The message is stored and published to the room."""


class MessageAck(Ack, tag="ack", kw_only=True):
    room: str
    sequence: int
    message_id: int


class UploadAck(Ack, tag="ack", kw_only=True):
    """The upload may begin, or is cancelled. `max_frame_bytes`: the largest frame allowed."""

    upload_id: str
    max_frame_bytes: int | UnsetType = UNSET


class UploadedAck(Ack, tag="ack", kw_only=True):
    """The file is complete and waits for its message."""

    upload_id: str
    attachment_id: int
    attachment: AttachmentView


class ReadAck(Ack, tag="ack", kw_only=True):
    room: str
    sequence: int
    unread: int
    mentions: int


class RoomAck(Ack, tag="ack", kw_only=True):
    room: str
    info: RoomSummary | UnsetType = UNSET


class CardStatus(Struct, kw_only=True):
    """A card as it is now; `state` is null if no such object is visible to the user."""

    kind: str
    reference: str
    state: dict[str, Any] | None


class CardsAck(Ack, tag="ack", kw_only=True):
    cards: list[CardStatus]


class CardActionAck(Ack, tag="ack", kw_only=True):
    kind: str
    reference: str
    name: str
