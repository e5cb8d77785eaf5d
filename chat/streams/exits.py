"""Which events of a room end whose subscription to it."""

from __future__ import annotations

import msgspec

from chat.protocol import STREAM_PREFIX
from realtime.streams import exits

_LEFT = '{"type":"member_left"'
_DELETED = '{"type":"room_deleted"'


def _reader(payload: str) -> int | None:
    # The type is first in every payload: this is asked of each event.
    if payload.startswith(_LEFT):
        return int(msgspec.json.decode(payload)["user_id"])
    return exits.EVERYBODY if payload.startswith(_DELETED) else None


def reason_of(payload: str) -> str:
    """Why a subscription ended: `left`, `removed` or `deleted`."""
    return str(msgspec.json.decode(payload).get("reason", "deleted"))


def register() -> None:
    """Have rooms end subscriptions; called when Django starts."""
    exits.register(STREAM_PREFIX, _reader)
