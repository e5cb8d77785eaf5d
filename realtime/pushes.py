"""Pushes to users rather than to subscribers of a stream: all who are connected now get them.

Not durable. A message that must not be missed is a log event (realtime.streams.unit_of_work.emit).
"""

from __future__ import annotations

import time
from typing import Literal

from realtime.auth import Principal
from realtime.messages import SystemNotification, UserMessage
from realtime.protocol import rfc3339
from realtime.streams import publish

Severity = Literal["info", "warning", "critical"]


def push_user_message(
    *, user_id: int, message: str, sender: Principal | None = None, workspace_id: int | None = None
) -> None:
    """Send `user_message` to every socket of a user, on every process; on commit.

    Args:
        sender: the author; None: the system.
        workspace_id: only the user's sockets in this workspace.
    """
    criteria = {"user_id": user_id}
    if workspace_id is not None:
        criteria["workspace_id"] = workspace_id
    publish.publish_direct(
        criteria,
        UserMessage(
            sender={"id": sender.user_id, "username": sender.username} if sender else None,
            message=message,
            timestamp=rfc3339(time.time()),
        ),
    )


def push_system_notification(
    *, message: str, severity: Severity = "info", workspace_id: int | None = None
) -> None:
    """Send `system_notification` to all connected users, or only in one workspace; on commit."""
    publish.publish_direct(
        {} if workspace_id is None else {"workspace_id": workspace_id},
        SystemNotification(message=message, severity=severity, timestamp=rfc3339(time.time())),
    )
