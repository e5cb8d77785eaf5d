"""Models of rooms, memberships, messages, and what belongs to messages."""

from chat.models.messages import (
    Attachment,
    Mention,
    Message,
    Pin,
    Reaction,
    Revision,
)
from chat.models.rooms import (
    Membership,
    NotificationLevel,
    Restriction,
    Role,
    Room,
    RoomKind,
)

__all__ = [
    "Attachment",
    "Membership",
    "Mention",
    "Message",
    "NotificationLevel",
    "Pin",
    "Reaction",
    "Restriction",
    "Revision",
    "Role",
    "Room",
    "RoomKind",
]
