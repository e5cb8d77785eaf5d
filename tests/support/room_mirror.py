"""A client's picture of a room: a snapshot, kept up to date by the room's events alone.

Presence cannot be derived from the events, so comparisons ignore it.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from chat import selectors
from chat.streams import keys
from chat.text.checking import excerpt
from realtime.auth import Principal
from realtime.protocol import Position
from realtime.streams.log import extents, replay

Frame = dict[str, Any]
PLACE = ("type", "stream", "epoch", "offset")


class RoomMirror:
    """A user's picture of one room."""

    def __init__(self, principal: Principal, slug: str) -> None:
        self.me = principal
        self.key = keys.room(principal.workspace_id, slug)
        extent = extents([self.key])[self.key]
        self.position = Position(extent.epoch, extent.head)
        seen = selectors.overviews(principal, [slug])[slug]
        found = selectors.snapshot(principal, seen, self.position, 200)
        # As a client gets it: through JSON, without unset fields.
        self.room: Frame = json.loads(msgspec.json.encode(found))

    def catch_up(self) -> list[str]:
        """Apply the events since the last position; returns their types."""
        types = []
        for event in replay(self.key, self.position.epoch, self.position.offset, limit=1000):
            frame = json.loads(event.payload)
            types.append(frame["type"])
            getattr(self, frame["type"])(frame)
            self.position = Position(event.epoch, event.offset)
        return types

    def picture(self) -> Frame:
        """Return the comparable state: ordered, and with counts derived from the rest."""
        info, messages = self.room["info"], self.room["data"]
        read = max(info["read_sequence"], info["first_sequence"] - 1)
        # Also computed independently for a snapshot, so that both ways check each other.
        own = [m for m in messages if m["sequence"] > read and self._calls_me(m)]
        return {
            "info": {name: value for name, value in info.items() if name not in ("may_post",)}
            | {
                "mentions": len(own),
                "unread": sum(m["sequence"] > read and not m["deleted"] for m in messages),
            },
            "stated": (info["mentions"], info["unread"]),
            "members": [
                {name: value for name, value in member.items() if name != "present"}
                for member in sorted(self.room["members"], key=lambda m: m["username"])
            ],
            "data": [_message(message) for message in messages],
            "pins": [_message(message) for message in self.room["pins"]],
        }

    def _calls_me(self, message: Frame) -> bool:
        if message["user_id"] == self.me.user_id or message["deleted"]:
            return False
        return self.me.user_id in message["mentions"] or message.get("mentions_all", False)

    def _recount(self) -> None:
        counted = self.picture()["info"]
        self.room["info"] |= {name: counted[name] for name in ("mentions", "unread")}

    def _known(self, message_id: int) -> list[Frame]:
        return [
            message
            for message in (*self.room["data"], *self.room["pins"])
            if message["message_id"] == message_id
        ]

    # --- Events -------------------------------------------------------------------------------

    def chat_message(self, frame: Frame) -> None:
        message = {name: value for name, value in frame.items() if name not in PLACE}
        self.room["data"].append(message)
        info = self.room["info"]
        info["head_sequence"] = frame["sequence"]
        if frame["user_id"] == self.me.user_id:
            info["read_sequence"] = frame["sequence"]
        info["last_message"] = {
            name: frame[name]
            for name in ("message_id", "sequence", "user_id", "username", "timestamp")
        } | {"excerpt": excerpt(frame["message"])}
        self._recount()

    def message_edited(self, frame: Frame) -> None:
        for message in self._known(frame["message_id"]):
            message |= {name: frame[name] for name in ("message", "html", "edited_at", "mentions")}
            message.pop("mentions_all", None)
            if "mentions_all" in frame:
                message["mentions_all"] = True
        self._quoted(frame, excerpt(frame["message"]), deleted=False)
        last = self.room["info"]["last_message"]
        if last and last["message_id"] == frame["message_id"]:
            last["excerpt"] = excerpt(frame["message"])
        self._recount()

    def message_deleted(self, frame: Frame) -> None:
        for message in self._known(frame["message_id"]):
            message |= {"message": "", "html": "", "deleted": True, "pinned": False}
            message |= {"reactions": [], "attachments": [], "mentions": []}
            message.pop("card", None)
            message.pop("mentions_all", None)
        self._unpin(frame["message_id"])
        self._quoted(frame, "", deleted=True)
        last = self.room["info"]["last_message"]
        if last and last["message_id"] == frame["message_id"]:
            self.room["info"]["last_message"] = None
        self._recount()

    def _quoted(self, frame: Frame, text: str, *, deleted: bool) -> None:
        for message in (*self.room["data"], *self.room["pins"]):
            if message.get("reply_to") == frame["message_id"]:
                message["reply"] |= {"excerpt": text, "deleted": deleted}

    def reaction_changed(self, frame: Frame) -> None:
        for message in self._known(frame["message_id"]):
            found = {each["emoji"]: each for each in message["reactions"]}
            view = found.setdefault(
                frame["emoji"], {"emoji": frame["emoji"], "user_ids": [], "count": 0}
            )
            view["user_ids"] = [each for each in view["user_ids"] if each != frame["user_id"]]
            if frame["on"]:
                view["user_ids"].append(frame["user_id"])
            view["count"] = frame["count"]
            assert view["count"] == len(view["user_ids"])
            message["reactions"] = [each for each in found.values() if each["count"]]

    def pin_changed(self, frame: Frame) -> None:
        self._unpin(frame["message_id"])
        for message in self._known(frame["message_id"]):
            message["pinned"] = frame["on"]
            if frame["on"]:
                self.room["pins"].insert(0, json.loads(json.dumps(message)))

    def _unpin(self, message_id: int) -> None:
        self.room["pins"] = [p for p in self.room["pins"] if p["message_id"] != message_id]

    def member_joined(self, frame: Frame) -> None:
        self.room["members"].append(frame["member"])
        self.room["info"]["member_count"] += 1
        self._mine(frame["member"])

    def member_updated(self, frame: Frame) -> None:
        self._drop_member(frame["member"]["user_id"])
        self.room["members"].append(frame["member"])
        self._mine(frame["member"])

    def member_left(self, frame: Frame) -> None:
        self._drop_member(frame["user_id"])
        self.room["info"]["member_count"] -= 1

    def _drop_member(self, user_id: int) -> None:
        self.room["members"] = [m for m in self.room["members"] if m["user_id"] != user_id]

    def _mine(self, member: Frame) -> None:
        if member["user_id"] == self.me.user_id:
            self.room["info"] |= {name: member[name] for name in ("role", "muted_until")}

    def user_updated(self, frame: Frame) -> None:
        named = {"username": frame["username"]}
        info, messages = self.room["info"], (*self.room["data"], *self.room["pins"])
        shown = [*messages, *(m["reply"] for m in messages if "reply" in m), info]
        for view in (*shown, info["last_message"] or {}):
            if view.get("user_id") == frame["user_id"]:
                view |= named
        for member in self.room["members"]:
            if member["user_id"] == frame["user_id"]:
                member |= named | {"name": frame["name"]}

    def room_updated(self, frame: Frame) -> None:
        self.room["info"] |= frame["info"]

    def messages_expired(self, frame: Frame) -> None:
        last = frame["through_sequence"]
        gone = {m["message_id"] for m in self.room["data"] if m["sequence"] <= last}
        for name in ("data", "pins"):
            self.room[name] = [m for m in self.room[name] if m["sequence"] > last]
            for message in self.room[name]:
                if message.get("reply_to") in gone:
                    del message["reply"], message["reply_to"]
        info = self.room["info"]
        info["first_sequence"] = last + 1
        if info["last_message"] and info["last_message"]["sequence"] <= last:
            info["last_message"] = None
        self._recount()


def _message(message: Frame) -> Frame:
    reactions = {each["emoji"]: sorted(each["user_ids"]) for each in message["reactions"]}
    return message | {"reactions": reactions, "mentions": sorted(message["mentions"])}
