"""Notifications of an earlier release are found by their subjects."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from notifications import services
from notifications.models import Notification
from notifications.subjects import Seen, Subject
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("notifications", "0002_link_index")]
OLD = {
    "mention:12:7": "/chat/pit/?message=7",
    "direct_message:12:4": "/chat/pit/?message=6",
    "room_message:3:40": "/chat/box/?message=41",
    "announcement:9": "",
    "": "/chat/pit/",
}


def migrate(targets: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


@pytest.fixture
def latest() -> Iterator[None]:
    """Migrate the database to the newest state after the test."""
    yield
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())


def test_the_old_keys_and_links_say_what_notifications_are_about(
    latest: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    filling = import_module("notifications.migrations.0004_fill_subject")
    monkeypatch.setattr(filling, "CHUNK", 2)
    workspace = make_workspace()
    user = make_member(workspace)
    old = migrate(BEFORE).get_model("notifications", "Notification").objects
    for key, link in OLD.items():
        old.create(
            workspace_id=workspace.pk,
            user_id=user.pk,
            kind=key.partition(":")[0] or "message",
            title=key,
            dedupe_key=key,
            link=link,
            created_at=timezone.now(),
        )
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    rows = Notification.objects.order_by("pk")
    assert list(rows.values_list("subject_kind", "subject_id", "subject_sequence")) == [
        ("room", 12, 7),
        ("room", 12, 6),
        ("room", 3, 41),
        ("", None, None),
        ("", None, None),
    ]
    services.mark_subjects_read(seen=[Seen(Subject("room", 12), user.pk, 6)])
    assert [each.title for each in rows.exclude(read_at=None)] == ["direct_message:12:4"]
