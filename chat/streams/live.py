"""What happens in a room for the moment only: who comes and goes, who is writing.

It takes the way of newest values beside the room's log: nothing of it is stored, and a socket
that lags gets what is newest of each kind and person when it can take it.
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
# Of each person the newest of each of these counts.
_KEPT: Mapping[type[Event], str] = {
    TypingNow: "typing",
    UserJoined: "presence",
    UserLeft: "presence",
    UserAway: "attention",
}


@dataclass(frozen=True)
class Everything:
    """Everybody who follows a room gets the same."""

    def frames(self, payload: Mapping[str, Any]) -> list[bytes]:
        """What happened, one event a frame."""
        return [frame.encode() for frame in payload["frames"].values()]


def _merge(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of each person the newest, in the order in which they came."""
    frames = {**older["frames"]}
    for key, frame in newer["frames"].items():
        frames.pop(key, None)
        frames[key] = frame
    return {"frames": dict(list(frames.items())[-MAX_KEPT:])}


latest.register(STREAM_PREFIX, _merge)


def tell(workspace_id: int, event: TypingNow | UserJoined | UserLeft | UserAway) -> None:
    """Push to all who follow the room now: on commit inside a transaction, else at once."""
    payload = {"frames": {f"{_KEPT[type(event)]}:{event.user_id}": event.encode().decode()}}
    publish.publish_latest(keys.room(workspace_id, event.room), payload)
