"""Files that nobody needs: what the retention worker removes of uploads."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from django.utils import timezone

from chat import services, uploads
from chat.models import Attachment
from realtime.retention import Expiry, keep_for_a_time

# A file that is in no message after so long will be in none.
WAITING_FOR = timedelta(days=1)


@keep_for_a_time
class FileExpiry(Expiry):
    """Files that were uploaded and not sent, uploads that were never finished, lost files.

    A file is lost when the process ended between its coming into place and its row, or between
    its row's going and its own. One part of the folder is looked through each pass.
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
        return services.expire_waiting(before=timezone.now() - WAITING_FOR)
