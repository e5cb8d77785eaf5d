"""Rooms and who is in them, messages and what hangs on them, and what is kept of deletions."""

from chat.models.messages import (
    Attachment,
    DeletionRecord,
    Mention,
    Message,
    Pin,
    Reaction,
    Revision,
)
from chat.models.rooms import Membership, NotificationLevel, Role, Room, RoomKind

__all__ = [
    "Attachment",
    "DeletionRecord",
    "Membership",
    "Mention",
    "Message",
    "NotificationLevel",
    "Pin",
    "Reaction",
    "Revision",
    "Role",
    "Room",
    "RoomKind",
]
