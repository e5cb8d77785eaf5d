"""Pushes that no log keeps: only connected clients receive them."""

from __future__ import annotations

from chat.protocol.views import RoomSummary
from realtime.protocol import Event


class ReadMarker(Event, tag="read_marker", kw_only=True):
    """The user's read marker, sent to the user's own sockets when it or the counts have changed.

    The counts are those with `head_sequence` as the room's newest message.
    """

    room: str
    user_id: int
    sequence: int
    unread: int
    mentions: int
    head_sequence: int
    timestamp: str


class TypingNow(Event, tag="typing", kw_only=True):
    """A user is typing; forget it after `expires_in` seconds."""

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
    """A connected user is away on all connections (`on`), or is back. New arrivals are not away."""

    room: str
    user_id: int
    username: str
    on: bool


class RoomJoined(Event, tag="room_joined", kw_only=True):
    """The user became a member: sent to the user's sockets, which may show the room now."""

    room: str
    info: RoomSummary


class RoomLeft(Event, tag="room_left", kw_only=True):
    """The user lost the room: sent to their sockets. `reason`: `left`, `removed` or `deleted`."""

    room: str
    reason: str
