"""Reads of attachments: one by its id, and those of a room."""

from __future__ import annotations

from collections.abc import Sequence

from chat.models import Attachment
from chat.selectors.rooms import find, places
from realtime.auth import Principal
from realtime.errors import NotFound


def find_attachment(principal: Principal, attachment_id: int) -> Attachment:
    """Return a file that the user may download: of a message that they may read, or their own.

    Raises:
        NotFound: the file does not exist or is hidden from the user, which look the same.
    """
    rows = Attachment.objects.select_related("room", "message")
    attachment = rows.filter(pk=attachment_id).first()
    room = attachment.room if attachment else None
    slug = room.slug if room and room.workspace_id == principal.workspace_id else ""
    # Queried in either case, so that timing does not tell a missing file from a hidden one.
    place = places(principal, [slug]).get(slug)
    if attachment is None or place is None or not _is_shown(attachment, principal):
        raise NotFound("There is no such file.")
    return attachment


def _is_shown(attachment: Attachment, principal: Principal) -> bool:
    message = attachment.message
    if message is None:
        return attachment.uploader_id == principal.user_id
    return message.deleted_at is None and message.sequence > attachment.room.floor_sequence


def room_attachments(
    principal: Principal, slug: str, *, before: int | None, limit: int
) -> Sequence[Attachment]:
    """Return the files in a room's messages, newest first, with their messages and uploaders.

    Args:
        before: only files with a smaller id.

    Raises:
        NotFound: no such room is visible to the user.
    """
    room = find(principal, slug).room
    rows = Attachment.objects.filter(
        room=room, message__deleted_at=None, message__sequence__gt=room.floor_sequence
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("message", "uploader").order_by("-pk")[:limit])
