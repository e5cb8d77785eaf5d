"""An old snapshot of a room plus the events since equals a new snapshot, whatever has happened."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.services import save_user, update_profile
from chat import services
from chat.models import Attachment, Message, Room
from realtime.errors import AppError
from tests.support.room_mirror import RoomMirror
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db

Change = Callable[[Team], object]
_keys = count()


def newest(team: Team, place: int = 0) -> int:
    return Message.objects.filter(room=team.ops).order_by("-sequence")[place].pk


def _attach(team: Team) -> object:
    file = Attachment.objects.create(
        room=team.ops,
        uploader=team.bob,
        name="a.txt",
        size=3,
        content_type="text/plain",
        key=f"key-{next(_keys)}",
    )
    return team.say(team.bob, team.ops, "with a file", attachments=[file.pk])


def _expire(team: Team) -> object:
    old = Message.objects.filter(room=team.ops).order_by("sequence")[:1].get()
    Message.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=9))
    return services.expire_messages(room_id=team.ops.pk, before=timezone.now() - timedelta(days=8))


def _remove_expired(team: Team) -> object:
    _expire(team)
    return services.remove_expired(room=Room.objects.get(pk=team.ops.pk))


def _change_login(team: Team) -> None:
    team.bob.username = "robert"
    save_user(user=team.bob, changed=["username"])


CHANGES: dict[str, tuple[Change, list[str]]] = {
    "send": (lambda t: t.say(t.bob, t.ops, "@alice hi"), ["chat_message"]),
    "send one's own": (lambda t: t.say(t.alice, t.ops), ["chat_message"]),
    "say as the system": (
        lambda t: services.post_system_message(
            workspace_id=t.workspace.pk, room="ops", text="@alice @all **box**"
        ),
        ["chat_message"],
    ),
    "call everybody": (lambda t: t.say(t.alice, t.ops, "@all hi"), ["chat_message"]),
    "answer": (lambda t: t.say(t.bob, t.ops, "ok", reply_to=newest(t)), ["chat_message"]),
    "attach": (_attach, ["chat_message"]),
    "edit": (
        lambda t: services.edit_message(
            principal=t.as_(t.bob), message_id=newest(t), text="@carol @alice **new**"
        ),
        ["message_edited"],
    ),
    "edit what is answered": (
        lambda t: services.edit_message(
            principal=t.as_(t.alice), message_id=newest(t, 1), text="otherwise"
        ),
        ["message_edited"],
    ),
    "edit nothing": (
        lambda t: services.edit_message(
            principal=t.as_(t.bob), message_id=newest(t), text="@alice again"
        ),
        [],
    ),
    "delete": (
        lambda t: services.delete_message(principal=t.as_(t.alice), message_id=newest(t)),
        ["message_deleted"],
    ),
    "delete what is answered": (
        lambda t: services.delete_message(principal=t.as_(t.alice), message_id=newest(t, 1)),
        ["message_deleted"],
    ),
    "react": (
        lambda t: services.set_reaction(
            principal=t.as_(t.bob), message_id=newest(t), emoji="🎉", on=True
        ),
        ["reaction_changed"],
    ),
    "take a reaction back": (
        lambda t: services.set_reaction(
            principal=t.as_(t.alice), message_id=newest(t), emoji="👍", on=False
        ),
        ["reaction_changed"],
    ),
    "react twice": (
        lambda t: services.set_reaction(
            principal=t.as_(t.alice), message_id=newest(t), emoji="👍", on=True
        ),
        [],
    ),
    "pin": (
        lambda t: services.set_pin(principal=t.as_(t.alice), message_id=newest(t), on=True),
        ["pin_changed"],
    ),
    "unpin": (
        lambda t: services.set_pin(principal=t.as_(t.alice), message_id=newest(t, 1), on=False),
        ["pin_changed"],
    ),
    "add": (lambda t: t.add(t.ops, t.carol, "read_only"), ["member_joined"]),
    "change a role": (
        lambda t: services.change_role(
            principal=t.as_(t.alice), room="ops", user_id=t.bob.pk, role="moderator"
        ),
        ["member_updated"],
    ),
    "mute": (
        lambda t: services.mute_member(
            principal=t.as_(t.alice),
            room="ops",
            user_id=t.bob.pk,
            until=timezone.now() + timedelta(hours=1),
        ),
        ["member_updated"],
    ),
    "remove": (
        lambda t: services.remove_member(principal=t.as_(t.alice), room="ops", user_id=t.bob.pk),
        ["member_left"],
    ),
    "leave": (
        lambda t: services.leave_room(principal=t.as_(t.bob), room="ops"),
        ["member_left"],
    ),
    "leave the workspace": (
        lambda t: services.leave_workspace(workspace_id=t.workspace.pk, user_id=t.bob.pk),
        ["member_left"],
    ),
    "rename a person": (
        lambda t: update_profile(user=t.bob, first_name="Robert", last_name="", email=""),
        ["user_updated"],
    ),
    "change a login": (_change_login, ["user_updated"]),
    "change only the address": (
        lambda t: update_profile(user=t.bob, first_name="", last_name="", email="b@x.test"),
        [],
    ),
    "rename": (
        lambda t: services.update_room(
            principal=t.as_(t.alice), room="ops", name="Night", topic="shift", retention_days=7
        ),
        ["room_updated"],
    ),
    "archive": (
        lambda t: services.archive_room(principal=t.as_(t.alice), room="ops"),
        ["room_updated"],
    ),
    "expire": (_expire, ["messages_expired"]),
    "expire everything": (
        lambda t: services.expire_messages(
            room_id=t.ops.pk, before=timezone.now() + timedelta(seconds=1)
        ),
        ["messages_expired"],
    ),
    "expire and remove": (_remove_expired, ["messages_expired"]),
}


def _some_history(team: Team) -> None:
    """Create alice's message, pinned, and bob's answer with her reaction."""
    first = team.say(team.alice, team.ops, "first")
    services.set_pin(principal=team.as_(team.alice), message_id=first.message_id, on=True)
    answer = team.say(team.bob, team.ops, "@alice again", reply_to=first.message_id)
    services.set_reaction(
        principal=team.as_(team.alice), message_id=answer.message_id, emoji="👍", on=True
    )


@pytest.mark.parametrize("name", CHANGES)
def test_a_snapshot_and_the_events_since_are_the_new_snapshot(team: Team, name: str) -> None:
    change, expected = CHANGES[name]
    _some_history(team)
    mirror = RoomMirror(team.as_(team.alice), "ops")
    change(team)
    assert mirror.catch_up() == expected
    assert mirror.picture() == RoomMirror(team.as_(team.alice), "ops").picture()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=12))
def test_so_they_are_after_any_changes(names: list[str]) -> None:
    team = Team()
    try:
        _some_history(team)
        mirror = RoomMirror(team.as_(team.alice), "ops")
        for name in names:
            # Changes that are no longer possible have no effect.
            with suppress(AppError, IndexError, Message.DoesNotExist):
                CHANGES[name][0](team)
        mirror.catch_up()
        assert mirror.picture() == RoomMirror(team.as_(team.alice), "ops").picture()
    finally:
        team.clear()
