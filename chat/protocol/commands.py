"""Commands of chat clients."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from chat.protocol.limits import (
    DEFAULT_HISTORY,
    MAX_ATTACHMENTS,
    MAX_CARDS,
    MAX_CLIENT_ID_LENGTH,
    MAX_HISTORY,
)
from realtime.protocol import Command, Recover

# Longer than any room's slug, so that a slug that is too long is `not_found` like any unknown one.
Slug = Annotated[str, Meta(min_length=1, max_length=200)]
Rooms = Annotated[list[Slug], Meta(max_length=500)]
MessageId = Annotated[int, Meta(ge=0)]
Sequence = Annotated[int, Meta(ge=0)]
ClientMessageId = Annotated[str, Meta(min_length=1, max_length=MAX_CLIENT_ID_LENGTH)]
CardKindName = Annotated[str, Meta(min_length=1, max_length=32)]
CardReferenceName = Annotated[str, Meta(min_length=1, max_length=200)]


class Subscribe(Command, tag="subscribe", kw_only=True):
    """Follow rooms; without `rooms` and `recover`, all rooms of which the user is a member.

    Also joins public rooms, unless `join` is false or the room is resumed. `history`: the number
    of newest messages in a snapshot.
    """

    rooms: Rooms | None = None
    recover: Recover | None = None
    join: bool = True
    history: Annotated[int, Meta(ge=0, le=MAX_HISTORY)] = DEFAULT_HISTORY


class Unsubscribe(Command, tag="unsubscribe", kw_only=True):
    """Stop following some rooms; without `rooms`, all of them."""

    rooms: Rooms | None = None


class CardReference(Struct, forbid_unknown_fields=True, frozen=True):
    kind: CardKindName
    reference: CardReferenceName


class SendMessage(Command, tag="send_message", kw_only=True):
    """Post a message. `channel` is an alias of `room`, `message` of `text`.

    `reply_to` is the id of the message to answer.
    """

    room: Slug | None = None
    channel: Slug | None = None
    text: str | None = None
    message: str | None = None
    client_message_id: ClientMessageId | None = None
    reply_to: MessageId | None = None
    attachments: Annotated[list[int], Meta(max_length=MAX_ATTACHMENTS)] = []
    card: CardReference | None = None
    confirm: bool = False


class Broadcast(SendMessage, tag="broadcast", kw_only=True):
    """An alias of `send_message`."""


class EditMessage(Command, tag="edit_message", kw_only=True):
    """`expected_edited_at`: the `edited_at` of the text that was edited; null: it had none."""

    message_id: MessageId
    text: str
    confirm: bool = False
    expected_edited_at: str | UnsetType | None = UNSET


class DeleteMessage(Command, tag="delete_message", kw_only=True):
    message_id: MessageId
    reason: Annotated[str, Meta(max_length=250)] = ""


class React(Command, tag="react", kw_only=True):
    message_id: MessageId
    emoji: str
    on: bool = True


class SetPin(Command, tag="pin", kw_only=True):
    message_id: MessageId
    on: bool = True


class MarkRead(Command, tag="mark_read", kw_only=True):
    room: Slug | None = None
    channel: Slug | None = None
    sequence: Sequence


class Away(Command, tag="away"):
    """The user of this connection is away from the screen, or is back."""

    on: bool = True


class Typing(Command, tag="typing", kw_only=True):
    room: Slug | None = None
    channel: Slug | None = None


class History(Command, tag="history", kw_only=True):
    """Request messages before, after or around a sequence; the newest if none is given."""

    room: Slug | None = None
    channel: Slug | None = None
    before: Sequence | None = None
    after: Sequence | None = None
    around: Sequence | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_HISTORY)] = DEFAULT_HISTORY


class Upload(Command, tag="upload", kw_only=True):
    """Announce a file of `size` bytes, sent in the binary frames that follow.

    `content_type` is the client's guess; the server determines the type from the content.
    """

    room: Slug | None = None
    channel: Slug | None = None
    name: Annotated[str, Meta(max_length=1000)]
    size: int
    content_type: Annotated[str, Meta(max_length=255)] | None = None


class CancelUpload(Command, tag="cancel_upload", kw_only=True):
    upload_id: Annotated[str, Meta(max_length=64)]


class Members(Command, tag="members", kw_only=True):
    room: Slug


class JoinRoom(Command, tag="join_room", kw_only=True):
    room: Slug


class LeaveRoom(Command, tag="leave_room", kw_only=True):
    room: Slug


class OpenDirect(Command, tag="open_direct", kw_only=True):
    """Open the direct room with a user of the workspace, by id or name; creates it if missing."""

    user_id: int | None = None
    username: str | None = None


class WatchCards(Command, tag="watch_cards", kw_only=True):
    """Follow these cards and no others."""

    cards: Annotated[list[CardReference], Meta(max_length=MAX_CARDS)]


class CardAction(Command, tag="card_action", kw_only=True):
    """Run the action that the card's kind offers under this name."""

    kind: CardKindName
    reference: CardReferenceName
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    arguments: dict[str, Any] = {}
