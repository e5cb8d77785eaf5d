"""Removes entries of the audit log that are older than settings.AUDIT_RETENTION."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Now

from accounts.models import AuditEntry
from realtime.retention import BATCH, Expiry, keep_for_a_time
from realtime.unit_of_work import Fence, unit_of_work


@keep_for_a_time
class AuditExpiry(Expiry):
    """Entries of the audit log; nothing else ever removes one."""

    def remove_some(self, fence: Fence) -> bool:
        old = AuditEntry.objects.filter(at__lt=Now() - settings.AUDIT_RETENTION)
        with unit_of_work(fence=fence):
            batch = list(old.order_by("at").values_list("pk", flat=True)[:BATCH])
            AuditEntry.objects.filter(pk__in=batch).delete()
        return len(batch) == BATCH
