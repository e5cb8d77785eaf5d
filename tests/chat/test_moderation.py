"""Moderation outlives the membership: leaving a room and coming back by any way undoes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.models import Membership as WorkspaceMembership
from accounts.services import add_member as add_to_workspace
from accounts.services import remove_member as remove_from_workspace
from chat import selectors, services
from chat.models import Membership, Restriction
from chat.policy import RoomAction
from realtime.errors import AppError, PermissionDenied
from tests.conftest import Api, Connect
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db

Act = Callable[[Team], object]


def in_an_hour() -> Any:
    return timezone.now() + timedelta(hours=1)


def mute(team: Team) -> object:
    return services.mute_member(
        principal=team.as_(team.alice), room="general", user_id=team.bob.pk, until=in_an_hour()
    )


def lower(team: Team) -> object:
    return services.change_role(
        principal=team.as_(team.alice), room="general", user_id=team.bob.pk, role="read_only"
    )


def remove(team: Team) -> object:
    return services.remove_member(
        principal=team.as_(team.alice), room="general", user_id=team.bob.pk
    )


def leave(team: Team) -> object:
    return services.leave_room(principal=team.as_(team.bob), room="general")


def leave_the_workspace(team: Team) -> None:
    member = WorkspaceMembership.objects.get(workspace=team.workspace, user=team.bob)
    remove_from_workspace(membership_id=member.pk)
    add_to_workspace(workspace_id=team.workspace.pk, user_id=team.bob.pk)


RESTRICTING: dict[str, Act] = {"mute": mute, "lower": lower, "remove": remove}
LEAVING: dict[str, Act] = {"leave": leave, "leave the workspace": leave_the_workspace}
WAYS_BACK: dict[str, Act] = {
    "nothing": lambda t: None,
    "join": lambda t: services.join_room(principal=t.as_(t.bob), room="general"),
    "post": lambda t: t.say(t.bob, t.general),
    "be added": lambda t: t.add(t.general, t.bob),
    "be mentioned": lambda t: t.say(t.alice, t.general, "@bob come back"),
    "open the direct room": lambda t: services.open_direct_room(
        principal=t.as_(t.bob), username="alice"
    ),
    "join, leave and join": lambda t: (
        services.join_room(principal=t.as_(t.bob), room="general"),
        leave(t),
        services.join_room(principal=t.as_(t.bob), room="general"),
    ),
}


def tries_to_write(team: Team, message: int, own: int) -> list[str]:
    """Return what bob manages to do in the room."""
    bob, managed = team.as_(team.bob), []
    acts: dict[str, Callable[[], object]] = {
        "post": lambda: team.say(team.bob, team.general, "here I am"),
        "edit": lambda: services.edit_message(principal=bob, message_id=own, text="changed"),
        "react": lambda: services.set_reaction(
            principal=bob, message_id=message, emoji="👍", on=True
        ),
        "pin": lambda: services.set_pin(principal=bob, message_id=message, on=True),
        "upload": lambda: services.check_upload(principal=bob, room="general", size=1),
        "type": lambda: selectors.require_in(bob, "general", RoomAction.POST),
    }
    for name, act in acts.items():
        with suppress(PermissionDenied):
            act()
            managed.append(name)
    return managed


@pytest.mark.parametrize("way_back", WAYS_BACK)
@pytest.mark.parametrize("leaving", LEAVING)
@pytest.mark.parametrize("restricting", RESTRICTING)
def test_a_restricted_member_who_comes_back_still_writes_nothing(
    team: Team, restricting: str, leaving: str, way_back: str
) -> None:
    if restricting == "remove" and way_back == "be added":
        pytest.skip("adding a removed person is how the removal is lifted")
    message = team.say(team.alice, team.general).message_id
    own = team.say(team.bob, team.general).message_id
    RESTRICTING[restricting](team)
    with suppress(AppError):  # who was removed cannot leave
        LEAVING[leaving](team)
    with suppress(PermissionDenied):
        WAYS_BACK[way_back](team)
    assert tries_to_write(team, message, own) == []


def test_a_mute_goes_on_until_its_own_end(team: Team) -> None:
    until = in_an_hour()
    services.mute_member(
        principal=team.as_(team.alice), room="general", user_id=team.bob.pk, until=until
    )
    leave(team)
    assert services.join_room(principal=team.as_(team.bob), room="general").muted_until == until


def test_a_mute_that_has_ended_is_forgotten(team: Team) -> None:
    mute(team)
    Membership.objects.filter(user=team.bob).update(muted_until=timezone.now())
    leave(team)
    assert not Restriction.objects.exists()
    team.say(team.bob, team.general)


def test_a_member_without_restrictions_comes_back_as_before(team: Team) -> None:
    leave(team)
    team.say(team.bob, team.general)
    assert Membership.objects.get(room=team.general, user=team.bob).role == "member"


def test_a_removed_person_is_told_why_and_still_reads_the_public_room(team: Team) -> None:
    remove(team)
    with pytest.raises(PermissionDenied, match="You were removed from this room"):
        services.join_room(principal=team.as_(team.bob), room="general")
    info = selectors.room_summary(team.as_(team.bob), "general")
    assert (info.role, info.may_post, info.removed) == (None, False, True)
    assert selectors.history(team.as_(team.bob), "general", limit=9).data == []


def test_adding_a_removed_person_again_lifts_the_removal(team: Team) -> None:
    remove(team)
    team.add(team.general, team.bob)
    team.say(team.bob, team.general)
    assert [entry.action for entry in AuditEntry.objects.filter(action__contains="rest")] == [
        "lift_restriction"
    ]


def test_an_admin_of_the_workspace_is_not_kept_out_of_its_public_rooms(team: Team) -> None:
    boss = team.person("boss", "admin")
    team.add(team.general, boss)
    services.remove_member(principal=team.as_(team.alice), room="general", user_id=boss.pk)
    services.join_room(principal=team.as_(boss), room="general")
    team.say(boss, team.general)


def test_being_added_to_a_private_room_again_brings_the_mute_back(team: Team) -> None:
    services.mute_member(
        principal=team.as_(team.alice), room="ops", user_id=team.bob.pk, until=in_an_hour()
    )
    services.leave_room(principal=team.as_(team.bob), room="ops")
    team.add(team.ops, team.bob)
    with pytest.raises(PermissionDenied, match="muted"):
        team.say(team.bob, team.ops)


def test_each_act_of_moderation_is_on_record(team: Team) -> None:
    mute(team)
    services.mute_member(
        principal=team.as_(team.alice), room="general", user_id=team.bob.pk, until=None
    )
    lower(team)
    remove(team)
    services.lift_restriction(principal=team.as_(team.alice), room="general", user_id=team.bob.pk)
    entries = AuditEntry.objects.filter(target_name="bob", details__room="general")
    assert list(entries.order_by("pk").values_list("action", "actor_name")) == [
        (action, "alice")
        for action in (
            "mute_member",
            "unmute_member",
            "change_room_role",
            "remove_from_room",
            "lift_restriction",
        )
    ]


def test_moderators_see_and_lift_restrictions_over_rest(team: Team, api: Api) -> None:
    mute(team)
    lower(team)
    leave(team)
    path = "/api/v1/rooms/general/restrictions/"
    (kept,) = api(team.alice).get(path).json()
    assert (kept["user_id"], kept["role"], kept["removed"]) == (team.bob.pk, "read_only", False)
    assert kept["muted_until"]
    assert api(team.bob).get(path).status_code == 403
    assert api(team.bob).delete(f"{path}{team.bob.pk}/").status_code == 403
    assert api(team.alice).delete(f"{path}{team.bob.pk}/").status_code == 204
    assert api(team.alice).delete(f"{path}{team.bob.pk}/").status_code == 404
    team.say(team.bob, team.general)


def test_rest_refuses_a_removed_person_by_every_path(team: Team, api: Api) -> None:
    remove(team)
    bob = api(team.bob)
    base = "/api/v1/rooms/general/"
    answers = [
        bob.post(f"{base}members/", {}, format="json"),
        bob.post(f"{base}members/", {"user_id": team.bob.pk}, format="json"),
        bob.post(f"{base}messages/", {"text": "hi"}, format="json"),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert {answer.json()["detail"] for answer in answers} == {
        "You were removed from this room: people who manage its members can add you again."
    }


def test_the_admin_shows_restrictions_and_lifts_them(team: Team, admin_client: Any) -> None:
    remove(team)
    assert "bob" in admin_client.get(reverse("admin:chat_restriction_changelist")).content.decode()
    kept = Restriction.objects.get()
    admin_client.post(reverse("admin:chat_restriction_delete", args=[kept.pk]), {"post": "yes"})
    assert not Restriction.objects.exists()
    assert AuditEntry.objects.filter(action="lift_restriction").count() == 1


@pytest.mark.django_db(transaction=True)
async def test_no_command_of_the_socket_brings_a_removed_person_back(connect: Connect) -> None:
    team = await sync_to_async(Team)()
    await sync_to_async(remove)(team)
    socket = await connect("/ws/chat/", user=team.bob, room="general")
    followed = await socket.event("subscription_confirmed")
    assert followed["rooms"]["general"]["role"] is None
    bare = await socket.command("subscribe")
    assert "general" not in bare["rooms"] or bare["rooms"]["general"]["role"] is None
    for action, fields in {
        "join_room": {"room": "general"},
        "send_message": {"room": "general", "text": "hi"},
        "broadcast": {"channel": "general", "message": "hi"},
        "typing": {"room": "general"},
        "upload": {"room": "general", "name": "a.txt", "size": 3},
    }.items():
        answer = await socket.command(action, **fields)
        assert (action, answer.get("code")) == (action, "permission_denied")
