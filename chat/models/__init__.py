"""Rooms and who is in them, messages and what hangs on them."""

from chat.models.messages import (
    Attachment,
    Mention,
    Message,
    Pin,
    Reaction,
    Revision,
)
from chat.models.rooms import Membership, NotificationLevel, Role, Room, RoomKind

__all__ = [
    "Attachment",
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
