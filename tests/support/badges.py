"""A client's badges: numbers from one list of rooms, kept up to date by what is pushed alone.

Follows docs/protocol.md: a client adds one for each new message, and takes every other number from
the server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chat import selectors
from chat.models import Room
from chat.streams import keys
from notifications import selectors as bell
from notifications import streams
from realtime.auth import Principal
from realtime.protocol import Event
from realtime.streams.log import StreamKey, extents, replay

Frame = dict[str, Any]


class Badges:
    """One user's unread counts by room, and the number on the bell."""

    def __init__(self, principal: Principal) -> None:
        self.me = principal
        self.rooms: dict[str, Frame] = {}
        self.bell = bell.unread_count(principal.workspace_id, principal.user_id)
        self._heads: dict[StreamKey, int] = {}
        for room in selectors.room_summaries(principal, joined=True):
            self._take(json.loads(json.dumps({name: getattr(room, name) for name in TAKEN})))
        self._skip_to_the_end(streams.inbox(principal.workspace_id, principal.user_id))

    def catch_up(self, pushed: list[tuple[Mapping[str, Any], Event]]) -> None:
        """Apply the streams' new events, then what was pushed to this user."""
        for slug in list(self.rooms):
            for frame in self._new(keys.room(self.me.workspace_id, slug)):
                if frame["type"] == "chat_message" and slug in self.rooms:
                    self._message(self.rooms[slug], frame)
        for criteria, event in pushed:
            if criteria.get("user_id") == self.me.user_id:
                self._push(json.loads(event.encode()))
        for frame in self._new(streams.inbox(self.me.workspace_id, self.me.user_id)):
            self.bell = frame["unread_count"]

    def shown(self) -> dict[str, tuple[int, int]]:
        return {slug: (room["unread"], room["mentions"]) for slug, room in self.rooms.items()}

    def _message(self, room: Frame, frame: Frame) -> None:
        if frame["sequence"] <= room["head_sequence"]:
            return
        room["head_sequence"] = frame["sequence"]
        if frame["user_id"] == self.me.user_id:
            room |= {"read_sequence": frame["sequence"], "unread": 0, "mentions": 0}
            return
        named = self.me.user_id in frame["mentions"] or frame.get("mentions_all", False)
        room["unread"] += not frame["deleted"]
        room["mentions"] += named and not frame["deleted"]

    def _push(self, frame: Frame) -> None:
        if frame["type"] == "room_joined":
            self._take({name: frame["info"][name] for name in TAKEN})
        elif frame["type"] == "room_left":
            self.rooms.pop(frame["room"], None)
        elif frame["type"] == "read_marker" and frame["room"] in self.rooms:
            room = self.rooms[frame["room"]]
            assert frame["head_sequence"] == room["head_sequence"]
            room |= {name: frame[name] for name in ("unread", "mentions")}
            room["read_sequence"] = frame["sequence"]

    def _take(self, room: Frame) -> None:
        self.rooms[room["slug"]] = room
        self._skip_to_the_end(keys.room(self.me.workspace_id, room["slug"]))

    def _skip_to_the_end(self, key: StreamKey) -> None:
        self._heads[key] = extents([key])[key].head

    def _new(self, key: StreamKey) -> list[Frame]:
        extent = extents([key])[key]
        events = replay(key, extent.epoch, self._heads[key], limit=1000)
        self._heads[key] = extent.head
        return [json.loads(event.payload) for event in events]


TAKEN = ("slug", "head_sequence", "read_sequence", "unread", "mentions")


def counted(principal: Principal) -> dict[str, tuple[int, int]]:
    """Count each room's unread messages and mentions one by one, from the tables."""
    return {
        room.slug: _counted(room, principal.user_id)
        for room in Room.objects.filter(memberships__user_id=principal.user_id, deleted_at=None)
    }


def _counted(room: Room, user_id: int) -> tuple[int, int]:
    read = room.memberships.get(user_id=user_id).read_sequence
    unread = [
        message
        for message in room.messages.filter(sequence__gt=max(read, room.floor_sequence))
        if message.deleted_at is None
    ]
    called = [message for message in unread if message.mentions.filter(user_id=user_id).exists()]
    return len(unread), len(called)
