"""Removes entries of the audit log that are older than settings.AUDIT_RETENTION."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Now

from accounts.models import AuditEntry
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers.retention import BATCH, Expiry, keep_for_a_time


@keep_for_a_time
class AuditExpiry(Expiry):
    """Entries of the audit log; nothing else ever removes one."""

    def remove_some(self) -> bool:
        old = AuditEntry.objects.filter(at__lt=Now() - settings.AUDIT_RETENTION)
        with unit_of_work():
            batch = list(old.order_by("at").values_list("pk", flat=True)[:BATCH])
            AuditEntry.objects.filter(pk__in=batch).delete()
        return len(batch) == BATCH
