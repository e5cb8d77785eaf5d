"""The streams of this app, each by the one function that names it."""

from __future__ import annotations

from chat.protocol import STREAM_PREFIX
from realtime.streams.log import StreamKey

# The scope of presence of those who are at their screens; no stream.
ATTENTION = "chat:attention"


def room(workspace_id: int, slug: str) -> StreamKey:
    """What happens in a room: a log of all that lasts, and beside it what is for the moment."""
    return StreamKey(workspace_id, STREAM_PREFIX + slug)


def slug_of(name: str) -> str | None:
    """The room that a stream is of; None for the streams of other apps."""
    return name.removeprefix(STREAM_PREFIX) if name.startswith(STREAM_PREFIX) else None
