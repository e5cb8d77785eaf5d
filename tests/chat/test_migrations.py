"""Data of older schemas is still there after migrating."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from accounts.models import AuditEntry
from chat.models import Message, Reaction
from chat.services import Sent
from tests.support.rooms import Team

BEFORE_ONE_FORM = "0006_tombstones"


def test_texts_are_folded_as_they_are_now_and_emoji_take_one_form(
    transactional_db: None,
) -> None:
    team = Team()
    sent = team.say(team.alice, team.general, "Café at İzmir, don’t")
    other = team.say(team.alice, team.general, "plain")
    Message.objects.filter(pk=sent.message_id).update(search_text="as it was folded before")
    for user, emoji in ((team.alice, "❤"), (team.alice, "❤️"), (team.bob, "❤")):
        Reaction.objects.create(message_id=sent.message_id, user=user, emoji=emoji)
    executor = MigrationExecutor(connection)
    executor.migrate([("chat", BEFORE_ONE_FORM)])

    migrate_to_the_newest()

    texts = dict(Message.objects.values_list("pk", "search_text"))
    assert texts == {sent.message_id: "cafe at izmir, don't", other.message_id: "plain"}
    forms = set(Reaction.objects.values_list("user_id", "emoji"))
    assert forms == {(team.alice.pk, "❤️"), (team.bob.pk, "❤️")}
    assert Reaction.objects.count() == 2


@pytest.fixture
def team(transactional_db: None) -> Team:
    """Made first: services write today's schema."""
    return Team()


@pytest.fixture
def sent(team: Team) -> dict[str, Sent]:
    return {room.slug: team.say(team.bob, room) for room in (team.general, team.ops)}


@pytest.fixture
def before(sent: dict[str, Sent]) -> Iterator[StateApps]:
    """Yield the schema in which chat stored deletions itself."""
    target = [("chat", "0002_search_indexes")]
    executor = MigrationExecutor(connection)
    executor.migrate(target)
    yield executor.loader.project_state(target).apps
    migrate_to_the_newest()


def migrate_to_the_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_deletions_on_record_move_into_the_audit_log(
    team: Team, sent: dict[str, Sent], before: StateApps
) -> None:
    at = datetime(2026, 11, 2, 14, 30, tzinfo=UTC)
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
