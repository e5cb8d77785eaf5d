"""Exits of rooms: the events that end subscriptions, and whose."""

from __future__ import annotations

import msgspec

from chat.protocol import STREAM_PREFIX
from realtime.streams import exits

_LEFT = '{"type":"member_left"'
_DELETED = '{"type":"room_deleted"'


def _reader(payload: str) -> int | None:
    # Checks the prefix, as it runs for each event: the type is first in every payload.
    if payload.startswith(_LEFT):
        return int(msgspec.json.decode(payload)["user_id"])
    return exits.EVERYBODY if payload.startswith(_DELETED) else None


def reason_of(payload: str) -> str:
    """Return why a subscription ended: `left`, `removed` or `deleted`."""
    return str(msgspec.json.decode(payload).get("reason", "deleted"))


def register() -> None:
    """Register the exits of rooms; called when Django starts."""
    exits.register(STREAM_PREFIX, _reader)
