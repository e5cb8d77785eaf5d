"""Retention of messages and files, run by the worker `retention`."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from chat.files import uploads
from chat.models import Attachment, Message, Room
from chat.services import expire_messages, expire_waiting, remove_expired
from realtime.workers.retention import Expiry, keep_for_a_time

# A file that is in no message after this time is considered abandoned.
WAITING_FOR = timedelta(days=1)


@keep_for_a_time
class MessageExpiry(Expiry):
    """Expires messages older than their room's retention, and all messages of deleted rooms.

    Messages are first hidden, with an event that tells clients, and then removed.
    """

    def __init__(self) -> None:
        self._rooms: list[int] = []

    def begin(self) -> None:
        now = timezone.now()
        keeping = Room.objects.filter(retention_days__isnull=False, deleted_at=None)
        for room_id, days in keeping.values_list("pk", "retention_days"):
            expire_messages(room_id=room_id, before=now - timedelta(days=days or 0))
        # Looks up the index once per room: rooms may have millions of messages.
        kept = Message.objects.filter(room=OuterRef("pk"))
        hidden = Q(Exists(kept.filter(sequence__lte=OuterRef("floor_sequence"))))
        orphaned = Q(Exists(kept), deleted_at__isnull=False)
        self._rooms = list(Room.objects.filter(hidden | orphaned).values_list("pk", flat=True))

    def remove_some(self) -> bool:
        if not self._rooms:
            return False
        room = Room.objects.filter(pk=self._rooms[-1]).first()
        if room is None or not remove_expired(room=room):
            self._rooms.pop()
        return bool(self._rooms)


@keep_for_a_time
class FileExpiry(Expiry):
    """Expires unsent files, unfinished uploads and orphaned files.

    A file is orphaned if the process ended between moving it into place and writing its row, or
    between deleting its row and the file. Each pass scans one part of the folder.
    """

    def __init__(self) -> None:
        self._parts = count()

    def begin(self) -> None:
        day = WAITING_FOR.total_seconds()
        uploads.sweep_incoming(older_than=day)
        part = next(self._parts) % uploads.SHARDS
        old = [key for key, age in uploads.keys_in(part) if age > day]
        known = set(Attachment.objects.filter(key__in=old).values_list("key", flat=True))
        uploads.remove(key for key in old if key not in known)

    def remove_some(self) -> bool:
        return expire_waiting(before=timezone.now() - WAITING_FOR)
