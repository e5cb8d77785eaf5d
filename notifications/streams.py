"""The streams of this app: one function returns the key of each."""

from __future__ import annotations

from notifications.protocol import STREAM
from realtime.streams.log import StreamKey

CARD_PREFIX = "cards:"


def cards(workspace_id: int, kind: str) -> StreamKey:
    """Return the stream of the newest states of the live cards of one kind."""
    return StreamKey(workspace_id, f"{CARD_PREFIX}{kind}")


def inbox(workspace_id: int, user_id: int) -> StreamKey:
    """Return the stream of one user's notifications in a workspace; only they can follow it."""
    return StreamKey(workspace_id, STREAM, user_id)
