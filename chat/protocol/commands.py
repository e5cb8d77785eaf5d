"""What clients ask for."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from chat.protocol.limits import (
    DEFAULT_HISTORY,
    MAX_ATTACHMENTS,
    MAX_CARDS,
    MAX_CLIENT_ID_LENGTH,
    MAX_HISTORY,
)
from realtime.protocol import Command, Position

# Longer than any room's: so that a wrong one is `not_found` like every other.
Slug = Annotated[str, Meta(min_length=1, max_length=200)]
Rooms = Annotated[list[Slug], Meta(max_length=500)]
MessageId = Annotated[int, Meta(ge=0)]
Sequence = Annotated[int, Meta(ge=0)]
ClientMessageId = Annotated[str, Meta(min_length=1, max_length=MAX_CLIENT_ID_LENGTH)]
CardKindName = Annotated[str, Meta(min_length=1, max_length=32)]
CardReferenceName = Annotated[str, Meta(min_length=1, max_length=200)]


class Subscribe(Command, tag="subscribe", kw_only=True):
    """Follow rooms; without `rooms` and `recover` all that one is a member of.

    A public room is joined by it, unless `join` is false or it is resumed. `history`: how many of
    the newest messages a snapshot has.
    """

    rooms: Rooms | None = None
    recover: dict[str, Position] = {}
    join: bool = True
    history: Annotated[int, Meta(ge=0, le=MAX_HISTORY)] = DEFAULT_HISTORY


class Unsubscribe(Command, tag="unsubscribe", kw_only=True):
    """Follow some rooms no longer; without `rooms`, none."""

    rooms: Rooms | None = None


class CardReference(Struct, forbid_unknown_fields=True, frozen=True):
    kind: CardKindName
    reference: CardReferenceName


class SendMessage(Command, tag="send_message", kw_only=True):
    """`channel` is another word for `room`, `message` for `text`."""

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
    """The same by another name."""


class EditMessage(Command, tag="edit_message", kw_only=True):
    message_id: MessageId
    text: str
    confirm: bool = False


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
    """Whoever sits at this connection has turned to something else, or is back."""

    on: bool = True


class Typing(Command, tag="typing", kw_only=True):
    room: Slug | None = None
    channel: Slug | None = None


class History(Command, tag="history", kw_only=True):
    """Messages before, after or around a sequence; the newest ones without any of them."""

    room: Slug | None = None
    channel: Slug | None = None
    before: Sequence | None = None
    after: Sequence | None = None
    around: Sequence | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_HISTORY)] = DEFAULT_HISTORY


class Upload(Command, tag="upload", kw_only=True):
    """A file of `size` bytes comes in the binary frames that follow.

    `content_type` is what the client takes it for; what it is is found from its content.
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
    """The direct room with a person of the workspace, by id or name; made if need be."""

    user_id: int | None = None
    username: str | None = None


class WatchCards(Command, tag="watch_cards", kw_only=True):
    """Follow these cards, and no others any more."""

    cards: Annotated[list[CardReference], Meta(max_length=MAX_CARDS)]


class CardAction(Command, tag="card_action", kw_only=True):
    """Do on a card what its kind offers under this name."""

    kind: CardKindName
    reference: CardReferenceName
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    arguments: dict[str, Any] = {}
