"""The streams of this app, each by the one function that names it."""

from __future__ import annotations

from dashboard import selection
from dashboard.protocol import STREAM
from realtime.fanout import latest
from realtime.streams.log import StreamKey

latest.register(STREAM, selection.merge)


def metrics(workspace_id: int) -> StreamKey:
    """The newest values of a workspace's metrics."""
    return StreamKey(workspace_id, STREAM)
