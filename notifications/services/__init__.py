"""Services of notifications: send them, mark them as read, retract what they quote."""

from notifications.services.announcing import announce
from notifications.services.pushing import NotConnected, push_message
from notifications.services.reading import (
    ReadResult,
    mark_read,
    mark_subjects_read,
    mark_withdrawn_read,
)
from notifications.services.retracting import take_back
from notifications.services.sending import send_to_channel
from notifications.services.telling import AUDIENCES, notify, send

__all__ = [
    "AUDIENCES",
    "NotConnected",
    "ReadResult",
    "announce",
    "mark_read",
    "mark_subjects_read",
    "mark_withdrawn_read",
    "notify",
    "push_message",
    "send",
    "send_to_channel",
    "take_back",
]
