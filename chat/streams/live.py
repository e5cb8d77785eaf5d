"""Transient events of a room: users entering, leaving, typing, turning away.

They go out as a latest stream beside the room's log: none is stored, and a slow socket gets the
newest of each kind and user once it can take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.protocol import STREAM_PREFIX, TypingNow, UserAway, UserJoined, UserLeft
from chat.streams import keys
from realtime.fanout import latest
from realtime.protocol import Event
from realtime.streams import publish

MAX_KEPT = 100
# Only the newest event of each of these kinds counts per user.
_KEPT: Mapping[type[Event], str] = {
    TypingNow: "typing",
    UserJoined: "presence",
    UserLeft: "presence",
    UserAway: "attention",
}


@dataclass(frozen=True)
class Everything:
    """The selection of all events: everybody who follows a room gets the same."""

    def frames(self, payload: Mapping[str, Any]) -> list[bytes]:
        """Return the events, one per frame."""
        return [frame.encode() for frame in payload["frames"].values()]


def _merge(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep the newest event of each kind and user, in the order of arrival."""
    frames = {**older["frames"]}
    for key, frame in newer["frames"].items():
        frames.pop(key, None)
        frames[key] = frame
    return {"frames": dict(list(frames.items())[-MAX_KEPT:])}


latest.register(STREAM_PREFIX, _merge)


def tell(workspace_id: int, event: TypingNow | UserJoined | UserLeft | UserAway) -> None:
    """Push to the room's current followers: on commit inside a transaction, else at once."""
    payload = {"frames": {f"{_KEPT[type(event)]}:{event.user_id}": event.encode().decode()}}
    publish.publish_latest(keys.room(workspace_id, event.room), payload)
