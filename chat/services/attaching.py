"""Files on their way into a room: who may upload, and keeping what has come."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from chat import selectors
from chat.files import names, uploads
from chat.models import Attachment
from chat.policy import RoomAction, require
from chat.selectors import Place
from chat.services.changing import remove_files
from realtime.auth import Principal
from realtime.errors import InvalidCommand, RateLimited, Reason
from realtime.streams.unit_of_work import unit_of_work

# Files of one person that are in no message yet; the retention worker removes them after a day.
MAX_WAITING = 100
BATCH = 200


def check_upload(*, principal: Principal, room: str, size: int) -> Place:
    """Let an upload of `size` bytes begin, or refuse.

    Raises:
        NotFound: there is no such room for them.
        PermissionDenied: they may not write there.
        Conflict: the room is archived.
        InvalidCommand, TooLarge: the file is empty, or larger than it may be.
        RateLimited: too many of their files wait to be sent already.
    """
    place = selectors.find(principal, room)
    require(place.standing, RoomAction.POST, timezone.now())
    if size < 1:
        raise InvalidCommand.field("size", "The file is empty.")
    if size > settings.MAX_UPLOAD_BYTES:
        raise uploads.too_large(settings.MAX_UPLOAD_BYTES)
    waiting = Attachment.objects.filter(uploader_id=principal.user_id, message=None)
    if waiting.count() >= MAX_WAITING:
        raise RateLimited(
            Reason(
                "%(count)d of your files wait to be sent: send them, or wait.", count=MAX_WAITING
            ),
            retry_after=3600,
        )
    return place


def store_upload(
    *, principal: Principal, room: str, name: str, incoming: uploads.Incoming
) -> Attachment:
    """Keep a file that has come in whole; refused, nothing of it is left.

    Raises:
        as check_upload; what was allowed when the upload began may not be any more.
    """
    stored = incoming.finish()
    try:
        return _add(principal, room, name, stored)
    except BaseException:
        uploads.remove([stored.key])
        raise


@unit_of_work
def _add(principal: Principal, room: str, name: str, stored: uploads.Stored) -> Attachment:
    place = check_upload(principal=principal, room=room, size=stored.size)
    return Attachment.objects.create(
        room=place.room,
        uploader_id=principal.user_id,
        name=names.clean(name),
        size=stored.size,
        content_type=stored.content_type,
        width=stored.width,
        height=stored.height,
        key=stored.key,
    )


def expire_waiting(*, before: datetime) -> bool:
    """Remove a batch of files that were in no message by then; whether there may be more."""
    unsent = Attachment.objects.filter(message=None, created_at__lt=before)
    with unit_of_work():
        # One that is just being sent is locked, and no longer waits.
        free = unsent.select_for_update(skip_locked=True).order_by("pk")
        batch = list(free[:BATCH])
        remove_files(batch)
    return len(batch) == BATCH
