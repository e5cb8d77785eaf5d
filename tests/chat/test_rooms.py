"""Rooms: creating, changing, archiving, deleting; their members and roles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Membership as WorkspaceMembership
from accounts.models import User
from chat import selectors, services
from chat.models import Membership, Role, Room
from chat.policy import ACTIONS, RANKS
from notifications.models import Notification
from realtime.errors import AppError, Conflict, InvalidCommand, NotFound, PermissionDenied
from realtime.models import LoggedEvent
from tests.support.people import make_member
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db


def people(room: Room) -> list[str]:
    return [each.user.username for each in selectors.members_of([room.pk]).get(room.pk, [])]


def test_whoever_makes_a_room_owns_it(team: Team) -> None:
    room = services.create_room(principal=team.as_(team.carol), name="  Race   day ")
    assert (room.slug, room.name, room.kind) == ("race-day", "Race day", "public")
    assert Membership.objects.get(room=room).role == "owner"


def test_a_private_room_without_a_slug_gets_one_that_nobody_guesses(team: Team) -> None:
    slugs = {
        services.create_room(principal=team.as_(team.alice), name="War room", kind="private").slug
        for _ in range(2)
    }
    assert len(slugs) == 2
    assert all(slug.startswith("war-room-") and len(slug) == 21 for slug in slugs)


def test_a_name_in_any_script_makes_a_room(team: Team) -> None:
    room = services.create_room(principal=team.as_(team.alice), name="维修区")
    assert room.name == "维修区"
    assert room.slug.startswith("room-")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "slug": "Not A Slug"}, "slug"),
        ({"name": "x", "slug": "x" * 65}, "slug"),
        ({"name": "x", "slug": "ok\n"}, "slug"),
        ({"name": "x", "topic": "x" * 251}, "topic"),
        ({"name": "x", "kind": "direct"}, "kind"),
        ({"name": "x", "kind": "secret"}, "kind"),
        ({"name": "x", "retention_days": 0}, "retention_days"),
    ],
)
def test_a_field_that_is_wrong_is_named(team: Team, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        services.create_room(principal=team.as_(team.alice), **fields)
    assert list(refused.value.errors or {}) == [field]


def test_a_slug_once_used_is_not_given_out_again(team: Team) -> None:
    services.delete_room(principal=team.as_(team.alice), room="ops")
    answers = []
    for slug in ("general", "ops"):
        with pytest.raises(Conflict) as refused:
            services.create_room(principal=team.as_(team.carol), name="x", slug=slug)
        answers.append(refused.value.message)
    # The answers are the same whether the name is taken or deleted, the user's or not.
    assert answers[0] == answers[1]


def test_viewers_make_no_rooms(team: Team) -> None:
    viewer = team.person("viewer", "viewer")
    with pytest.raises(PermissionDenied):
        services.create_room(principal=team.as_(viewer), name="x")
    with pytest.raises(PermissionDenied):
        services.open_direct_room(principal=team.as_(viewer), user_id=team.bob.pk)


def test_two_people_have_one_direct_room_whoever_opens_it(team: Team) -> None:
    rooms = [
        services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk),
        services.open_direct_room(principal=team.as_(team.bob), username="ALICE"),
    ]
    assert rooms[0] == rooms[1]
    assert people(rooms[0]) == ["alice", "bob"]
    mine = selectors.room_summary(team.as_(team.alice), rooms[0].slug)
    assert (mine.name, mine.username) == ("bob", "bob")


def test_a_direct_room_is_of_the_workspace_and_stays_as_it_is(team: Team) -> None:
    stranger = make_member()
    with pytest.raises(NotFound):
        services.open_direct_room(principal=team.as_(team.alice), user_id=stranger.pk)
    room = services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk)
    by = team.as_(team.alice)
    for change in (
        lambda: services.leave_room(principal=by, room=room.slug),
        lambda: services.remove_member(principal=by, room=room.slug, user_id=team.bob.pk),
        lambda: services.add_member(principal=by, room=room.slug, user_id=team.carol.pk),
        lambda: services.delete_room(principal=by, room=room.slug),
    ):
        with pytest.raises((Conflict, PermissionDenied)):
            change()
    assert people(room) == ["alice", "bob"]


def test_an_invitation_is_told(team: Team) -> None:
    team.add(team.ops, team.carol)
    told = Notification.objects.get(kind="room_invitation", user=team.carol)
    assert (told.title, told.link) == ("alice added you to Ops", "/chat/ops/")


def test_a_new_member_has_nothing_unread(team: Team) -> None:
    team.say(team.alice, team.ops)
    assert team.add(team.ops, team.carol).read_sequence == 1


def test_only_people_of_the_workspace_are_added_and_once(team: Team) -> None:
    with pytest.raises(NotFound):
        team.add(team.ops, make_member())
    with pytest.raises(Conflict):
        team.add(team.ops, team.bob)
    with pytest.raises(InvalidCommand):
        team.add(team.ops, team.carol, "king")


MODERATION = [
    # actor, the target's role, may remove, mute and demote
    ("moderator", "member", True),
    ("moderator", "moderator", False),
    ("moderator", "owner", False),
    ("member", "read_only", False),
    ("owner", "moderator", True),
    ("owner", "owner", True),
]


@pytest.mark.parametrize(("role", "other", "may"), MODERATION)
def test_who_deals_with_whom(team: Team, role: str, other: str, may: bool) -> None:
    team.add(team.ops, team.carol)
    Membership.objects.filter(room=team.ops, user=team.bob).update(role=role)
    Membership.objects.filter(room=team.ops, user=team.carol).update(role=other)
    fields: dict[str, Any] = {
        "principal": team.as_(team.bob),
        "room": "ops",
        "user_id": team.carol.pk,
    }
    until = timezone.now() + timedelta(hours=1)
    for change in (
        lambda: services.mute_member(until=until, **fields),
        lambda: services.change_role(
            role="read_only" if other != "read_only" else "member", **fields
        ),
        lambda: services.remove_member(**fields),
    ):
        if may:
            change()
        else:
            with pytest.raises(PermissionDenied):
                change()


def test_nobody_is_made_more_than_oneself(team: Team) -> None:
    Membership.objects.filter(room=team.ops, user=team.bob).update(role="moderator")
    by = team.as_(team.bob)
    for role in ("moderator", "owner"):
        with pytest.raises(PermissionDenied):
            services.add_member(principal=by, room="ops", user_id=team.carol.pk, role=role)
        with pytest.raises(PermissionDenied):
            services.change_role(principal=by, room="ops", user_id=team.bob.pk, role="owner")


def test_a_muted_member_reads_and_does_not_write_until_it_is_over(team: Team) -> None:
    until = timezone.now() + timedelta(hours=1)
    by = team.as_(team.alice)
    services.mute_member(principal=by, room="ops", user_id=team.bob.pk, until=until)
    sent = team.say(team.alice, team.ops)
    with pytest.raises(PermissionDenied, match="muted"):
        team.say(team.bob, team.ops)
    with pytest.raises(PermissionDenied, match="muted"):
        services.set_reaction(
            principal=team.as_(team.bob), message_id=sent.message_id, emoji="👍", on=True
        )
    assert selectors.history(team.as_(team.bob), "ops", limit=5).data
    Membership.objects.filter(user=team.bob).update(muted_until=timezone.now())
    assert team.say(team.bob, team.ops).sequence == 2


def test_a_private_room_keeps_an_owner_and_goes_with_its_last_member(team: Team) -> None:
    alice, bob = team.as_(team.alice), team.as_(team.bob)
    with pytest.raises(Conflict):
        services.leave_room(principal=alice, room="ops")
    with pytest.raises(Conflict):
        services.change_role(principal=alice, room="ops", user_id=team.alice.pk, role="member")
    services.change_role(principal=alice, room="ops", user_id=team.bob.pk, role="owner")
    services.leave_room(principal=alice, room="ops")
    services.leave_room(principal=bob, room="ops")
    assert Room.objects.get(slug="ops").deleted_at is not None


def test_who_leaves_the_workspace_leaves_its_rooms(team: Team) -> None:
    room = services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk)
    put_out(team.bob)
    assert people(team.ops) == people(team.general) == people(room) == ["alice"]
    summary = selectors.room_summary(team.as_(team.alice), room.slug)
    assert (summary.user_id, summary.username) == (team.bob.pk, "bob")
    alone = services.open_direct_room(principal=team.as_(team.alice), user_id=team.alice.pk)
    assert selectors.room_summary(team.as_(team.alice), alone.slug).username == "alice"


def put_out(user: User) -> None:
    accounts.remove_member(membership_id=WorkspaceMembership.objects.get(user=user).pk)


def owners(room: Room) -> list[str]:
    found = Membership.objects.filter(room=room, role=Role.OWNER)
    return [each.user.username for each in found.select_related("user")]


def test_a_private_room_keeps_an_owner_though_its_owner_leaves_the_workspace(team: Team) -> None:
    team.add(team.ops, team.carol, "moderator")
    team.add(team.ops, team.person("dave"), "moderator")
    put_out(team.alice)
    assert owners(team.ops) == ["carol"]
    assert LoggedEvent.objects.filter(payload__contains='"member_updated"').count() == 1
    put_out(team.carol)
    assert owners(team.ops) == ["dave"]
    put_out(team.bob)
    assert owners(team.ops) == ["dave"]
    assert owners(team.general) == []


def test_a_private_room_goes_with_the_last_who_leaves_the_workspace(team: Team) -> None:
    put_out(team.alice)
    put_out(team.bob)
    assert Room.objects.get(pk=team.ops.pk).deleted_at is not None
    assert Room.objects.get(pk=team.general.pk).deleted_at is None


def test_nobody_who_can_do_nothing_inherits_a_room(team: Team) -> None:
    team.add(team.ops, team.person("viewer", "viewer"), "moderator")
    away = team.person("away")
    team.add(team.ops, away, "moderator")
    accounts.deactivate_user(user=away)
    put_out(team.alice)
    assert owners(team.ops) == ["bob"]


def test_a_room_waits_for_those_who_cannot_sign_in(team: Team) -> None:
    accounts.deactivate_user(user=team.bob)
    put_out(team.alice)
    assert (owners(team.ops), Room.objects.get(pk=team.ops.pk).deleted_at) == ([], None)


def test_who_cannot_sign_in_is_no_owner_to_leave_a_room_to(team: Team) -> None:
    alice = team.as_(team.alice)
    services.change_role(principal=alice, room="ops", user_id=team.bob.pk, role="owner")
    accounts.deactivate_user(user=team.bob)
    with pytest.raises(Conflict):
        services.leave_room(principal=alice, room="ops")


def test_an_archived_room_is_only_read(team: Team) -> None:
    sent = team.say(team.bob, team.ops, "before")
    services.archive_room(principal=team.as_(team.alice), room="ops")
    bob = team.as_(team.bob)
    for change in (
        lambda: team.say(team.bob, team.ops),
        lambda: services.edit_message(principal=bob, message_id=sent.message_id, text="x"),
        lambda: services.set_reaction(
            principal=bob, message_id=sent.message_id, emoji="👍", on=True
        ),
    ):
        with pytest.raises(Conflict):
            change()
    assert selectors.history(bob, "ops", limit=5).data[0].message == "before"
    services.archive_room(principal=team.as_(team.alice), room="ops", archived=False)
    assert team.say(team.bob, team.ops).sequence == 2


def test_a_deleted_room_is_gone_for_its_own_people_too(team: Team) -> None:
    team.say(team.alice, team.ops)
    services.delete_room(principal=team.as_(team.alice), room="ops")
    with pytest.raises(NotFound):
        selectors.history(team.as_(team.alice), "ops", limit=5)
    with pytest.raises(NotFound):
        team.say(team.alice, team.ops)


def test_managers_of_the_workspace_run_its_public_rooms_and_not_the_private_ones(
    team: Team,
) -> None:
    boss = team.person("boss", "admin")
    services.update_room(principal=team.as_(boss), room="general", name="All", retention_days=30)
    with pytest.raises(NotFound):
        services.update_room(principal=team.as_(boss), room="ops", name="Mine now")


def test_settings_are_for_moderators_and_retention_for_owners(team: Team) -> None:
    with pytest.raises(PermissionDenied):
        services.update_room(principal=team.as_(team.bob), room="ops", topic="x")
    Membership.objects.filter(room=team.ops, user=team.bob).update(role="moderator")
    assert services.update_room(principal=team.as_(team.bob), room="ops", topic="x").topic == "x"
    with pytest.raises(PermissionDenied):
        services.update_room(principal=team.as_(team.bob), room="ops", retention_days=1)


def test_levels_of_notification_are_kept(team: Team) -> None:
    services.set_notification_level(principal=team.as_(team.bob), room="general", level="none")
    team.say(team.alice, team.general, "@bob are you there?")
    assert not Notification.objects.filter(user=team.bob, kind="mention").exists()
    services.set_notification_level(principal=team.as_(team.bob), room="general", level="all")
    team.say(team.alice, team.general, "anybody?")
    assert Notification.objects.filter(user=team.bob, kind="room_message").count() == 1
    with pytest.raises(InvalidCommand):
        services.set_notification_level(principal=team.as_(team.bob), room="general", level="x")


def test_the_list_of_rooms_takes_the_same_few_queries_however_many_there_are(
    team: Team, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        room = team.room(f"Room {number}", slug=f"room-{number}", people=[team.bob])
        team.say(team.alice, room, "@bob hi")
    services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk)
    bob = team.as_(team.bob)
    with django_assert_max_num_queries(6):
        rooms = selectors.room_summaries(bob)
    assert len(rooms) == 15
    assert sum(room.unread for room in rooms) == sum(room.mentions for room in rooms) == 12


def test_every_role_has_its_place_in_the_tables() -> None:
    assert set(ACTIONS) == set(RANKS) == set(Role.values)


def test_refusals_change_nothing(team: Team) -> None:
    before = list(Membership.objects.order_by("pk").values())
    with pytest.raises(AppError):
        services.add_member(
            principal=team.as_(team.bob), room="ops", user_id=team.carol.pk, role="member"
        )
    assert list(Membership.objects.order_by("pk").values()) == before


ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Ops\u202e spO", "Ops spO"),
        (" \u2066Pit\u00ad \u200bwall\u2069 ", "Pit wall"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("❤\ufe0f 👩\u200d🔧", "❤\ufe0f 👩\u200d🔧"),
        (ENGLAND + "\U000e0041", ENGLAND),
        ("a\u200db", "ab"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 30),
    ],
)  # fmt: skip
def test_a_room_is_called_what_one_sees(team: Team, given_name: str, shown: str) -> None:
    room = services.create_room(principal=team.as_(team.alice), name=given_name)
    assert room.name == shown


@pytest.mark.parametrize(
    "name", ["\u200b", "\u2800", "\u3164\u115f", "\u202e\u202c", "\x01", "\u00ad \u2060"]
)
def test_a_room_whose_name_cannot_be_seen_is_refused(team: Team, name: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        services.create_room(principal=team.as_(team.alice), name=name)
    assert list(refused.value.errors or {}) == ["name"]
