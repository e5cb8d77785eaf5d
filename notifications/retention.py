"""Removes notifications that were read longer ago than settings.NOTIFICATION_RETENTION."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Now

from notifications.models import Notification
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers.retention import BATCH, Expiry, keep_for_a_time


@keep_for_a_time
class NotificationExpiry(Expiry):
    """Read notifications; unread ones stay, however old they are."""

    def remove_some(self) -> bool:
        old = Notification.objects.filter(read_at__lt=Now() - settings.NOTIFICATION_RETENTION)
        with unit_of_work():
            batch = list(old.order_by("read_at").values_list("pk", flat=True)[:BATCH])
            Notification.objects.filter(pk__in=batch).delete()
        return len(batch) == BATCH
