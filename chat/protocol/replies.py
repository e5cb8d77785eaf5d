"""What commands are answered with."""

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
    """Where one stands in a room. `members` may stop short of `member_count` in a large one.

    `away`: ids of those who are connected to it and away.
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
    rooms: dict[str, Subscribed]
    positions: dict[str, ConfirmedPosition]


class UnsubscriptionConfirmed(Event, tag="unsubscription_confirmed", kw_only=True):
    """What was taken off; with a `reason` where nobody asked for it."""

    rooms: list[str]
    reason: str | UnsetType = UNSET


class RoomSnapshot(Event, tag="room_snapshot", kw_only=True):
    """A room as it is now, with its newest messages: what `recovered: false` begins anew from.

    `epoch` and `offset` are the position that was confirmed; `data` is oldest first. `present`
    are the ids of those who are connected to it, `away` of those among them who are away.
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
    """Oldest first; whether there is more on either side."""

    room: str
    data: list[MessageView]
    has_before: bool
    has_after: bool


class MemberList(Event, tag="members", kw_only=True):
    room: str
    data: list[MemberView]


class SentAck(SentView, Ack, tag="ack", kw_only=True):
    """The message is stored; whoever is in the room is told."""


class MessageAck(Ack, tag="ack", kw_only=True):
    room: str
    sequence: int
    message_id: int


class UploadAck(Ack, tag="ack", kw_only=True):
    """The upload may begin, or is cancelled. `max_frame_bytes`: the largest frame to send it in."""

    upload_id: str
    max_frame_bytes: int | UnsetType = UNSET


class UploadedAck(Ack, tag="ack", kw_only=True):
    """The file has come in whole and waits for its message."""

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
    """A card as it is now; `state` is null where there is no such thing for this person."""

    kind: str
    reference: str
    state: dict[str, Any] | None


class CardsAck(Ack, tag="ack", kw_only=True):
    cards: list[CardStatus]


class CardActionAck(Ack, tag="ack", kw_only=True):
    kind: str
    reference: str
    name: str
