"""Pushes of no stream: whoever is connected gets them."""

from __future__ import annotations

from chat.protocol.views import RoomSummary
from realtime.protocol import Event


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
