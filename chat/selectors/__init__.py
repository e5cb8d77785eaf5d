"""Reads: rooms as one person has them, who is in them, messages by sequence, snapshots."""

from chat.selectors.members import RosterLimits, is_member, member_view, members_of, present_in
from chat.selectors.messages import (
    attachment_view,
    find_message,
    history,
    message_views,
    revisions,
)
from chat.selectors.rooms import (
    Place,
    find,
    readable_rooms,
    room_summaries,
    room_summary,
    room_view,
    unread_of,
)
from chat.selectors.snapshots import snapshot, subscribed

__all__ = [
    "Place",
    "RosterLimits",
    "attachment_view",
    "find",
    "find_message",
    "history",
    "is_member",
    "member_view",
    "members_of",
    "message_views",
    "present_in",
    "readable_rooms",
    "revisions",
    "room_summaries",
    "room_summary",
    "room_view",
    "snapshot",
    "subscribed",
    "unread_of",
]
