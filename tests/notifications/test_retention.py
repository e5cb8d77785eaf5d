"""Notifications that were read long ago are removed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications import retention
from notifications.models import Notification
from realtime.workers.retention import Retention
from tests.notifications.conftest import Team

pytestmark = pytest.mark.django_db


def test_read_ones_go_when_their_time_is_over_and_unread_ones_stay(
    team: Team, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.NOTIFICATION_RETENTION = timedelta(days=10)
    monkeypatch.setattr(retention, "BATCH", 2)
    now = timezone.now()
    ages = {"unread": None, "new": 9, "old": 11, "older": 300, "oldest": 400}
    for title, days in ages.items():
        (told,) = team.tell(team.ann, title=title)
        read_at = None if days is None else now - timedelta(days=days)
        Notification.objects.filter(pk=told.pk).update(
            read_at=read_at, created_at=now - timedelta(days=500)
        )
    expiry = retention.NotificationExpiry()
    expiry.begin()
    while expiry.remove_some():
        pass
    assert set(Notification.objects.values_list("title", flat=True)) == {"unread", "new"}


def test_the_worker_sees_to_it() -> None:
    worker = Retention(lease=None)  # type: ignore[arg-type]
    assert retention.NotificationExpiry in [type(expiry) for expiry in worker._all]
