"""Keys of this app's streams, one function per stream."""

from __future__ import annotations

from dashboard import selection
from dashboard.protocol import STREAM
from realtime.fanout import latest
from realtime.streams.log import StreamKey

latest.register(STREAM, selection.merge)


def metrics(workspace_id: int) -> StreamKey:
    """Return the key of the newest values of a workspace's metrics."""
    return StreamKey(workspace_id, STREAM)
