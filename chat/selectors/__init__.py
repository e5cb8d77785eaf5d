"""Reads of chat: rooms as one user sees them, members, messages, attachments, snapshots."""

from chat.selectors.attachments import find_attachment, room_attachments
from chat.selectors.members import RosterLimits, is_member, member_view, members_of, present_in
from chat.selectors.messages import (
    attachment_view,
    find_message,
    history,
    message_views,
    pinned_messages,
    revisions,
    revisions_of,
)
from chat.selectors.restrictions import restrictions
from chat.selectors.rooms import (
    Place,
    find,
    readable_rooms,
    require_in,
    roles_in,
    room_summaries,
    room_summary,
    room_view,
    unread_everywhere,
    unread_of,
    unread_of_members,
)
from chat.selectors.searching import Hit, Hits, search_messages
from chat.selectors.snapshots import Overview, member_list, overviews, snapshot

__all__ = [
    "Hit",
    "Hits",
    "Overview",
    "Place",
    "RosterLimits",
    "attachment_view",
    "find",
    "find_attachment",
    "find_message",
    "history",
    "is_member",
    "member_list",
    "member_view",
    "members_of",
    "message_views",
    "overviews",
    "pinned_messages",
    "present_in",
    "readable_rooms",
    "require_in",
    "restrictions",
    "revisions",
    "revisions_of",
    "roles_in",
    "room_attachments",
    "room_summaries",
    "room_summary",
    "room_view",
    "search_messages",
    "snapshot",
    "unread_everywhere",
    "unread_of",
    "unread_of_members",
]
