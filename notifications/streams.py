"""The streams of this app, each by the one function that names it."""

from __future__ import annotations

from notifications.protocol import STREAM
from realtime.streams.log import StreamKey

CARD_PREFIX = "cards:"


def cards(workspace_id: int, kind: str) -> StreamKey:
    """The newest states of the live cards of one kind."""
    return StreamKey(workspace_id, f"{CARD_PREFIX}{kind}")


def inbox(workspace_id: int, user_id: int) -> StreamKey:
    """What becomes of one user's notifications in a workspace; nobody else can follow it."""
    return StreamKey(workspace_id, STREAM, user_id)
