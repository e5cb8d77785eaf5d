"""Retention of audit entries, refresh tokens and counts of failed sign-ins."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import AuditEntry, LoginTries, RefreshToken
from accounts.services.tries import KNOWN_FOR
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers.retention import BATCH, Expiry, keep_for_a_time


@keep_for_a_time
class AuditExpiry(Expiry):
    """Removes entries older than settings.AUDIT_RETENTION; nothing else removes entries."""

    def remove_some(self) -> bool:
        old = AuditEntry.objects.filter(at__lt=Now() - settings.AUDIT_RETENTION)
        with unit_of_work():
            batch = list(old.order_by("at").values_list("pk", flat=True)[:BATCH])
            AuditEntry.objects.filter(pk__in=batch).delete()
        return len(batch) == BATCH


@keep_for_a_time
class TriesExpiry(Expiry):
    """Removes expired counts of failed sign-ins, except for address blocks known to the user."""

    def remove_some(self) -> bool:
        unknown = Q(signed_in_at=None) | Q(signed_in_at__lt=Now() - KNOWN_FOR)
        over = LoginTries.objects.filter(unknown, expires_at__lt=Now())
        with unit_of_work():
            batch = list(over.order_by("expires_at").values_list("pk", flat=True)[:BATCH])
            # The condition is repeated: a sign-in may have renewed one of these rows meanwhile.
            over.filter(pk__in=batch).delete()
        return len(batch) == BATCH


@keep_for_a_time
class RefreshTokenExpiry(Expiry):
    """Removes expired refresh tokens."""

    def remove_some(self) -> bool:
        expired = RefreshToken.objects.filter(expires_at__lt=Now())
        with unit_of_work():
            batch = list(expired.order_by("expires_at").values_list("pk", flat=True)[:BATCH])
            RefreshToken.objects.filter(pk__in=batch).delete()
        return len(batch) == BATCH
