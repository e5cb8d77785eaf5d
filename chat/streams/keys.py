"""Keys of this app's streams, one function per stream."""

from __future__ import annotations

from chat.protocol import STREAM_PREFIX
from realtime.streams.log import StreamKey

# The presence scope of attentive users (at their screens); not a stream.
ATTENTION = "chat:attention"


def room(workspace_id: int, slug: str) -> StreamKey:
    """Return the key of a room: a log of its durable events, with transient ones beside it."""
    return StreamKey(workspace_id, STREAM_PREFIX + slug)


def slug_of(name: str) -> str | None:
    """Return the room of a stream; None for streams of other apps."""
    return name.removeprefix(STREAM_PREFIX) if name.startswith(STREAM_PREFIX) else None
