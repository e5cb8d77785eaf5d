"""Uploads to rooms: checking them, storing them, removing unsent ones."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from chat import selectors
from chat.files import names, uploads
from chat.models import Attachment
from chat.policy import RoomAction, require
from chat.selectors import Place
from chat.services.changing import remove_files
from realtime.auth import Principal
from realtime.errors import Conflict, InvalidCommand, RateLimited, Reason
from realtime.streams.unit_of_work import unit_of_work

# Unsent files per user; the retention worker removes them after a day.
MAX_WAITING = 100
BATCH = 200


def check_upload(*, principal: Principal, room: str, size: int) -> Place:
    """Check that an upload of `size` bytes may begin.

    Raises:
        NotFound: no such room is visible to the user.
        PermissionDenied: the user may not post there.
        Conflict: the room is archived, or the user's files take up all that one member may have.
        InvalidCommand, TooLarge: the file is empty, or too large.
        RateLimited: the user has too many unsent files already.
    """
    place = selectors.find(principal, room)
    require(place.standing, RoomAction.POST, timezone.now())
    if size < 1:
        raise InvalidCommand.field("size", "The file is empty.")
    if size > settings.MAX_UPLOAD_BYTES:
        raise uploads.too_large(settings.MAX_UPLOAD_BYTES)
    mine = Attachment.objects.filter(uploader_id=principal.user_id)
    here = mine.filter(room__workspace_id=principal.workspace_id)
    stored = here.aggregate(stored=Sum("size"))["stored"] or 0
    most = settings.QUOTAS["storage_mib"]
    if stored + size > most * 2**20:
        raise Conflict.field(
            "size",
            Reason(
                "Your files would take more than %(most)d MiB: delete some of your messages.",
                most=most,
            ),
        )
    waiting = mine.filter(message=None)
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
    """Store a complete upload; if it is refused, nothing of it is left.

    Raises:
        as check_upload: what was allowed when the upload began may not be allowed any more.
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
    """Remove a batch of unsent files older than `before`; return whether there may be more."""
    unsent = Attachment.objects.filter(message=None, created_at__lt=before)
    with unit_of_work():
        # Skips a file that is being sent right now: it is locked.
        free = unsent.select_for_update(skip_locked=True).order_by("pk")
        batch = list(free[:BATCH])
        remove_files(batch)
    return len(batch) == BATCH
