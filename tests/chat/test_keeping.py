"""Retention of messages, removing content from a room, and the actions of staff."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import selectors as selectors_of_accounts
from accounts.models import AuditEntry, Role
from chat import selectors, services
from chat.models import Attachment, Message, Room
from chat.prepare import make_first_rooms
from chat.retention import MessageExpiry
from realtime.models import LoggedEvent
from tests.support.people import make_member, make_user, make_workspace
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db


def run_retention() -> None:
    expiry = MessageExpiry()
    expiry.begin()
    while expiry.remove_some():
        pass


def age(message_id: int, days: int) -> None:
    Message.objects.filter(pk=message_id).update(created_at=timezone.now() - timedelta(days=days))


def test_messages_go_when_their_rooms_time_is_over(team: Team) -> None:
    services.update_room(principal=team.as_(team.alice), room="ops", retention_days=7)
    old, answer = team.say(team.alice, team.ops, "old"), None
    answer = team.say(team.bob, team.ops, "new", reply_to=old.message_id)
    elsewhere = team.say(team.alice, team.general, "old, and kept")
    age(old.message_id, 8)
    age(elsewhere.message_id, 8)
    run_retention()
    assert set(Message.objects.values_list("pk", flat=True)) == {
        answer.message_id,
        elsewhere.message_id,
    }
    found = selectors.history(team.as_(team.bob), "ops", limit=5)
    assert [view.sequence for view in found.data] == [2]
    assert not found.has_before
    assert LoggedEvent.objects.filter(payload__contains='"messages_expired"').count() == 1
    assert team.say(team.bob, team.ops).sequence == 3


def test_the_tombstone_of_a_room_is_all_that_stays_of_it(team: Team) -> None:
    for _ in range(3):
        team.say(team.alice, team.ops)
    Attachment.objects.create(
        room=team.ops,
        message=Message.objects.first(),
        uploader=team.alice,
        name="a",
        size=1,
        content_type="text/plain",
        key="k",
    )
    services.delete_room(principal=team.as_(team.alice), room="ops")
    run_retention()
    assert not Message.objects.exists()
    assert not Attachment.objects.exists()
    assert Room.objects.filter(slug="ops").exists()


def test_the_record_of_a_deletion_outlives_the_message(team: Team) -> None:
    services.update_room(principal=team.as_(team.alice), room="ops", retention_days=7)
    sent = team.say(team.bob, team.ops)
    services.delete_message(
        principal=team.as_(team.alice), message_id=sent.message_id, reason="wrong room"
    )
    age(sent.message_id, 8)
    run_retention()
    assert not Message.objects.filter(pk=sent.message_id).exists()
    entry = AuditEntry.objects.get(action="delete_message")
    assert (entry.details["sequence"], entry.details["reason"]) == (1, "wrong room")


@pytest.fixture
def talk(team: Team) -> Team:
    first = team.say(team.alice, team.ops, "Box this lap: **now**")
    team.say(team.bob, team.ops, "维修区 ready", reply_to=first.message_id)
    services.set_reaction(
        principal=team.as_(team.bob), message_id=first.message_id, emoji="🏁", on=True
    )
    services.edit_message(
        principal=team.as_(team.alice), message_id=first.message_id, text="Box next lap"
    )
    gone = team.say(team.bob, team.ops, "never mind")
    services.delete_message(principal=team.as_(team.bob), message_id=gone.message_id)
    return team


def test_a_room_is_exported_as_json(talk: Team) -> None:
    out = io.StringIO()
    call_command("export_room", talk.workspace.slug, "ops", stdout=out)
    document = json.loads(out.getvalue())
    assert (document["room"]["slug"], document["workspace"]) == ("ops", talk.workspace.slug)
    assert [member["username"] for member in document["members"]] == ["alice", "bob"]
    first, answer, gone = document["messages"]
    assert [each["text"] for each in first["revisions"]] == ["Box this lap: **now**"]
    assert first["reactions"] == [{"emoji": "🏁", "user_ids": [talk.bob.pk], "count": 1}]
    assert (answer["message"], answer["reply"]["username"]) == ("维修区 ready", "alice")
    assert (gone["deleted"], gone["message"], gone["sequence"]) == (True, "", 3)


def test_a_room_is_exported_as_markdown(talk: Team, tmp_path: Path) -> None:
    path = tmp_path / "ops.md"
    call_command(
        "export_room", talk.workspace.slug, "ops", format="markdown", output=path,
        stderr=io.StringIO(),
    )  # fmt: skip
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Ops\n")
    assert "(edited)\n\nBox next lap\n\n🏁 1\n" in text
    assert "(in answer to alice)\n\n维修区 ready\n" in text
    assert "*deleted*" in text
    assert "never mind" not in text


def test_an_empty_room_is_exported_too(team: Team) -> None:
    out = io.StringIO()
    call_command("export_room", team.workspace.slug, "ops", stdout=out)
    assert json.loads(out.getvalue())["messages"] == []


def test_there_is_nothing_to_export_of_what_is_not_there(team: Team) -> None:
    with pytest.raises(CommandError, match="no room 'nope'"):
        call_command("export_room", team.workspace.slug, "nope")


# --- The admin --------------------------------------------------------------------------------


@pytest.fixture
def admin_client(team: Team) -> Client:
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def test_staff_change_a_room_and_its_people_hear_of_it(team: Team, admin_client: Client) -> None:
    path = f"/admin/chat/room/{team.ops.pk}/change/"
    assert admin_client.get(path).status_code == 200
    form = {
        "name": "Operations",
        "topic": "",
        "retention_days": "30",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }
    assert admin_client.post(path, form).status_code == 302
    room = Room.objects.get(pk=team.ops.pk)
    assert (room.name, room.retention_days) == ("Operations", 30)
    assert LoggedEvent.objects.filter(payload__contains='"room_updated"').count() == 1


def test_deletions_are_read_by_staff_and_in_open_rooms_by_admins(
    team: Team, admin_client: Client
) -> None:
    principal = team.as_(team.alice)
    for room in (team.general, team.ops):
        sent = team.say(team.bob, room)
        services.delete_message(principal=principal, message_id=sent.message_id)
    services.delete_room(principal=principal, room="ops")
    page = admin_client.get("/admin/accounts/auditentry/").content.decode()
    assert all(text in page for text in ("alice", "general #1", "ops #1", "Room deleted"))
    told = selectors_of_accounts.audit_entries(team.as_(team.person("chief", Role.ADMIN)))
    assert [entry.target_name for entry in told.filter(target_kind__startswith="chat.")] == [
        "general #1"
    ]


def test_rooms_are_listed_and_not_made_by_staff(team: Team, admin_client: Client) -> None:
    assert admin_client.get("/admin/chat/room/").status_code == 200
    assert admin_client.get("/admin/chat/room/add/").status_code == 403


# --- The first start ----------------------------------------------------------------------------


@pytest.fixture
def main(settings: Any) -> Any:
    settings.PITWALL_DEMO = True
    workspace = make_workspace("main")
    make_member(workspace, "owner", "admin")
    for name in ("alice", "bob"):
        make_member(workspace, username=name)
    return workspace


def test_alice_and_bob_share_rooms_with_a_conversation(main: Any) -> None:
    for _ in range(2):
        make_first_rooms()
    rooms = {room.kind: room for room in Room.objects.filter(workspace=main)}
    assert sorted(rooms) == ["direct", "private", "public"]
    assert Room.objects.count() == 3
    for room in rooms.values():
        members = {each.user.username for each in room.memberships.select_related("user")}
        assert members >= {"alice", "bob"}
        assert room.messages.count() == room.head_sequence > 1
        assert not room.memberships.filter(
            user__username__in=["alice", "bob"], read_sequence__lt=room.head_sequence
        ).exists()


def test_without_demo_there_is_one_empty_room(main: Any, settings: Any) -> None:
    settings.PITWALL_DEMO = False
    make_first_rooms()
    room = Room.objects.get()
    assert (room.slug, room.head_sequence) == ("general", 0)


def test_a_workspace_that_had_rooms_is_left_alone(main: Any) -> None:
    make_first_rooms()
    Room.objects.exclude(slug="general").update(deleted_at=timezone.now())
    make_first_rooms()
    assert Room.objects.filter(deleted_at=None).count() == 1
