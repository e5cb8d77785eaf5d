"""The commands and events of docs/protocol/notifications.md. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from realtime.messages import Ack
from realtime.protocol import MAX_INTEGER, Command, ConfirmedPosition, Event, Recover

# The log stream of one user's notifications.
STREAM = "notifications"

Severity = Literal["info", "warning", "critical"]
NotificationId = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]


class MarkAsRead(Command, tag="mark_as_read"):
    """Mark one notification as read, or with `all: true` every one."""

    notification_id: NotificationId | None = None
    everything: bool = msgspec.field(name="all", default=False)


class Subscribe(Command, tag="subscribe"):
    """Resume from a position, or get a new snapshot. `streams` can only name the one stream."""

    streams: Annotated[list[Literal["notifications"]], Meta(max_length=1)] | None = None
    recover: Recover | None = None


class SubscriptionConfirmed(Event, tag="subscription_confirmed"):
    streams: list[str]
    positions: dict[str, ConfirmedPosition]


class InitialData(Event, tag="initial_data"):
    """The unread notifications, newest first, as of this position of the stream."""

    data: list[dict[str, Any]]
    unread_count: int
    epoch: str
    offset: int


class NewNotification(Event, tag="new_notification"):
    data: dict[str, Any]
    unread_count: int

    @property
    def subject(self) -> int:
        return int(self.data["id"])


class NotificationChanged(Event, tag="notification_changed"):
    """A notification has changed: the text that its `message` quoted was retracted."""

    data: dict[str, Any]
    unread_count: int


class NotificationRead(Event, tag="notification_read"):
    """These notifications are now read; `unread_count` is the number left after this change."""

    ids: list[int]
    unread_count: int


class CardUpdate(Event, tag="card_update"):
    """The current state of a live card (notifications.cards), for sockets that follow it."""

    kind: str
    reference: str
    state: dict[str, Any]


class MarkedAsRead(Ack, tag="ack"):
    """The reply to `mark_as_read`: the number newly marked, and the number still unread."""

    marked: int
    unread_count: int
