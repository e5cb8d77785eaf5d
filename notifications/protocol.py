"""The Notifications section of docs/protocol.md: its commands and events. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from realtime.messages import Ack
from realtime.protocol import MAX_INTEGER, Command, ConfirmedPosition, Event, Position

# The log stream of one user's notifications.
STREAM = "notifications"

Severity = Literal["info", "warning", "critical"]
NotificationId = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]


class MarkAsRead(Command, tag="mark_as_read"):
    """One notification, or with `all: true` every one."""

    notification_id: NotificationId | None = None
    everything: bool = msgspec.field(name="all", default=False)


class Subscribe(Command, tag="subscribe"):
    """Go on from a position; without one, a new snapshot. `streams` can name the one there is."""

    streams: Annotated[list[Literal["notifications"]], Meta(max_length=1)] | None = None
    recover: dict[str, Position] | None = None


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
    """It says something else now: what its `message` quoted has been taken back."""

    data: dict[str, Any]
    unread_count: int


class NotificationRead(Event, tag="notification_read"):
    """These are read now; `unread_count` is what is left after this change."""

    ids: list[int]
    unread_count: int


class CardUpdate(Event, tag="card_update"):
    """The state that a live card has now (notifications.cards); to sockets that follow it."""

    kind: str
    reference: str
    state: dict[str, Any]


class MarkedAsRead(Ack, tag="ack"):
    """In reply to `mark_as_read`: how many became read by it, and how many are left unread."""

    marked: int
    unread_count: int
