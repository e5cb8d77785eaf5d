"""Data of older schemas is still there after migrating."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from accounts.models import AuditEntry
from tests.support.rooms import Team


@pytest.fixture
def before(transactional_db: None) -> Iterator[StateApps]:
    """Yield the schema in which chat stored deletions itself."""
    target = [("chat", "0002_search_indexes")]
    executor = MigrationExecutor(connection)
    executor.migrate(target)
    yield executor.loader.project_state(target).apps
    migrate_to_the_newest()


def migrate_to_the_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_deletions_on_record_move_into_the_audit_log(before: StateApps) -> None:
    team = Team()
    at = datetime(2026, 11, 2, 14, 30, tzinfo=UTC)
    sent = {room.slug: team.say(team.bob, room) for room in (team.general, team.ops)}
    records = before.get_model("chat", "DeletionRecord").objects
    for room in (team.general, team.ops):
        records.create(
            room_id=room.pk,
            sequence=1,
            message_id=sent[room.slug].message_id if room is team.general else None,
            author_id=team.bob.pk,
            deleted_by_id=team.alice.pk,
            deleted_at=at,
            reason="spoiler",
        )
    AuditEntry.objects.all().delete()

    migrate_to_the_newest()

    general, ops = AuditEntry.objects.order_by("id")
    assert (general.at, general.action, general.actor_name) == (at, "delete_message", "alice")
    assert (general.workspace, general.target_id) == (
        team.workspace,
        str(sent["general"].message_id),
    )
    assert (general.target_name, general.details["author"], general.details["reason"]) == (
        "general #1",
        "bob",
        "spoiler",
    )
    assert (general.staff_only, ops.staff_only, ops.target_id) == (False, True, "")
