"""Keeps rooms within their retention; the worker is `retention` (realtime.retention)."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from chat.models import Message, Room
from chat.services import expire_messages, remove_expired
from realtime.retention import Expiry, keep_for_a_time


@keep_for_a_time
class MessageExpiry(Expiry):
    """Messages older than their room keeps them, and all of deleted rooms.

    They are hidden first, with an event that tells clients; what is hidden is then removed.
    """

    def __init__(self) -> None:
        self._rooms: list[int] = []

    def begin(self) -> None:
        now = timezone.now()
        keeping = Room.objects.filter(retention_days__isnull=False, deleted_at=None)
        for room_id, days in keeping.values_list("pk", "retention_days"):
            expire_messages(room_id=room_id, before=now - timedelta(days=days or 0))
        # Asked by index, room by room: rooms may have millions of messages.
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
