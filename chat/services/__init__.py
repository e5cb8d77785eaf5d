"""Writes of chat, for every endpoint; each is one transaction with its events."""

from chat.services.attaching import check_upload, expire_waiting, store_upload
from chat.services.changing import ANY_VERSION, delete_message, edit_message
from chat.services.direct import open_direct_room
from chat.services.drafts import Draft, draft_message, preview_message
from chat.services.keeping import expire_messages, remove_expired
from chat.services.lifting import lift, lift_restriction
from chat.services.marking import set_pin, set_reaction
from chat.services.members import (
    add_member,
    change_role,
    join_room,
    leave_room,
    mute_member,
    remove_member,
    set_notification_level,
)
from chat.services.posting import Sent, post_drafts, send_message
from chat.services.reading import ReadState, mark_read
from chat.services.renaming import tell_of_new_name
from chat.services.rooms import archive_room, create_room, delete_room, save_room, update_room
from chat.services.succession import leave_workspace
from chat.services.system import post_system_message

__all__ = [
    "ANY_VERSION",
    "Draft",
    "ReadState",
    "Sent",
    "add_member",
    "archive_room",
    "change_role",
    "check_upload",
    "create_room",
    "delete_message",
    "delete_room",
    "draft_message",
    "edit_message",
    "expire_messages",
    "expire_waiting",
    "join_room",
    "leave_room",
    "leave_workspace",
    "lift",
    "lift_restriction",
    "mark_read",
    "mute_member",
    "open_direct_room",
    "post_drafts",
    "post_system_message",
    "preview_message",
    "remove_expired",
    "remove_member",
    "save_room",
    "send_message",
    "set_notification_level",
    "set_pin",
    "set_reaction",
    "store_upload",
    "tell_of_new_name",
    "update_room",
]
