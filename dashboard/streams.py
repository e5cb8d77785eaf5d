"""The streams of this app, each by the one function that names it."""

from __future__ import annotations

from dashboard.protocol import STREAM
from realtime.streams import StreamKey


def metrics(workspace_id: int) -> StreamKey:
    """The newest values of a workspace's metrics."""
    return StreamKey(workspace_id, STREAM)
