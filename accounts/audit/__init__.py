"""The audit log: who did what to what, when and from where.

    DELETE_ROOM = audit.action("delete_room", gettext_lazy("Room deleted"))

    @unit_of_work
    def delete_room(...):
        audit.record(DELETE_ROOM, room, workspace_id=room.workspace_id)

An entry is written in the unit of work of its change: neither exists without the other.
"""

from accounts.audit.actions import action, actions, label_of
from accounts.audit.recording import Target, noted, noting, record
from accounts.audit.values import HIDDEN, Change, changes

__all__ = [
    "HIDDEN",
    "Change",
    "Target",
    "action",
    "actions",
    "changes",
    "label_of",
    "noted",
    "noting",
    "record",
]
