"""The Chat section of docs/protocol.md: its commands and events. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from realtime.common import Ack
from realtime.protocol import Command, Event, Position

STREAM_PREFIX = "room:"
ROOM_SLUG = "[a-z0-9][a-z0-9_-]*"
MAX_SLUG_LENGTH = 64
MAX_NAME_LENGTH = 100
MAX_TOPIC_LENGTH = 250
MAX_TEXT_LENGTH = 16_000
MAX_CLIENT_ID_LENGTH = 64
MAX_EMOJI_LENGTH = 32
MAX_DISTINCT_REACTIONS = 20
MAX_ATTACHMENTS = 10
MAX_PINS = 50
# As many as one socket follows at once: those in sight.
MAX_CARDS = 100
MAX_HISTORY = 200
DEFAULT_HISTORY = 50
# Above so many people @all asks for `confirm: true`.
CONFIRM_ABOVE = 20
# A `typing` counts for so many seconds; repeated ones are passed on at most every so many.
TYPING_SECONDS = 6.0
TYPING_EVERY = 2.0

# Longer than any room's: so that a wrong one is `not_found` like every other.
Slug = Annotated[str, Meta(min_length=1, max_length=200)]
Rooms = Annotated[list[Slug], Meta(max_length=500)]
MessageId = Annotated[int, Meta(ge=0)]
Sequence = Annotated[int, Meta(ge=0)]
ClientMessageId = Annotated[str, Meta(min_length=1, max_length=MAX_CLIENT_ID_LENGTH)]
CardKindName = Annotated[str, Meta(min_length=1, max_length=32)]
CardReferenceName = Annotated[str, Meta(min_length=1, max_length=200)]


# --- Commands -------------------------------------------------------------------------------


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


# --- What messages, rooms and members look like ----------------------------------------------


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
    """One message as history, snapshots and events show it."""

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


# --- Durable events of a room's stream -------------------------------------------------------


class ChatMessage(MessageView, Event, tag="chat_message", kw_only=True):
    """A new message."""


class MessageEdited(Event, tag="message_edited", kw_only=True):
    room: str
    message_id: int
    sequence: int
    user_id: int
    message: str
    html: str
    edited_at: str
    mentions: list[int]
    mentions_all: bool | UnsetType = UNSET


class MessageDeleted(Event, tag="message_deleted", kw_only=True):
    """The text is gone for good; `deleted_by` is the author or a moderator."""

    room: str
    message_id: int
    sequence: int
    deleted_by: int
    timestamp: str


class ReactionChanged(Event, tag="reaction_changed", kw_only=True):
    """`count`: how many people have reacted with this emoji now."""

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
    """`by`: who brought them in; themselves where they came on their own."""

    room: str
    member: MemberView
    by: int
    timestamp: str


class MemberUpdated(Event, tag="member_updated", kw_only=True):
    """Another role, or muted, or no longer so."""

    room: str
    member: MemberView
    by: int
    timestamp: str


class MemberLeft(Event, tag="member_left", kw_only=True):
    """`reason`: `left` or `removed`. Ends their subscriptions wherever they are."""

    room: str
    user_id: int
    username: str
    reason: str
    by: int
    timestamp: str


class RoomUpdated(Event, tag="room_updated", kw_only=True):
    room: str
    info: RoomView
    by: int
    timestamp: str


class RoomDeleted(Event, tag="room_deleted", kw_only=True):
    """Ends everybody's subscription."""

    room: str
    by: int
    timestamp: str


class MessagesExpired(Event, tag="messages_expired", kw_only=True):
    """Messages up to and with this sequence have outlived the room's retention."""

    room: str
    through_sequence: int
    timestamp: str


# --- Pushes of no stream --------------------------------------------------------------------


class ReadMarker(Event, tag="read_marker", kw_only=True):
    """How far somebody has read: to their own sockets, with what is left."""

    room: str
    user_id: int
    sequence: int
    unread: int
    mentions: int
    timestamp: str


class TypingNow(Event, tag="typing", kw_only=True):
    """Somebody is writing; forget it after `expires_in` seconds."""

    room: str
    user_id: int
    username: str
    expires_in: float
    timestamp: str


class UserJoined(Event, tag="user_joined", kw_only=True):
    room: str
    user_id: int
    username: str


class UserLeft(Event, tag="user_left", kw_only=True):
    room: str
    user_id: int
    username: str


class UserAway(Event, tag="user_away", kw_only=True):
    """Somebody is connected and away everywhere (`on`), or is back. Who has just come is not."""

    room: str
    user_id: int
    username: str
    on: bool


class RoomJoined(Event, tag="room_joined", kw_only=True):
    """To the sockets of somebody who has become a member: the room may be shown now."""

    room: str
    info: RoomSummary


class RoomLeft(Event, tag="room_left", kw_only=True):
    """To the sockets of somebody who is a member no longer; `reason` as in `member_left`."""

    room: str
    reason: str


# --- Replies --------------------------------------------------------------------------------


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
    positions: dict[str, Any]


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


class SentAck(Ack, tag="ack", kw_only=True):
    room: str
    sequence: int
    message_id: int
    duplicate: bool
    timestamp: str


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
