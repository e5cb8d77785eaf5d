"""Rooms and messages over REST: the same services as over the socket, with the same refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Role
from chat.models import Membership, Message, Room
from tests.conftest import Api
from tests.support.people import make_member
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/"


@pytest.fixture
def alice(team: Team, api: Api) -> Any:
    return api(team.alice)


@pytest.fixture
def bob(team: Team, api: Api) -> Any:
    return api(team.bob)


# --- Rooms ------------------------------------------------------------------------------------


def test_rooms_are_listed_with_what_is_ones_own_of_them(team: Team, alice: Any, api: Api) -> None:
    team.say(team.bob, team.general, "hello @alice")
    rooms = {room["slug"]: room for room in alice.get(ROOT + "rooms/").json()}
    assert set(rooms) == {"general", "ops"}
    assert rooms["general"] | {"role": "owner", "unread": 1, "mentions": 1} == rooms["general"]
    outside = api(team.carol)
    assert [room["slug"] for room in outside.get(ROOT + "rooms/").json()] == ["general"]
    assert outside.get(ROOT + "rooms/?joined=1").json() == []


def test_a_room_is_made_changed_and_deleted(alice: Any) -> None:
    made = alice.post(ROOT + "rooms/", {"name": "Pit Stop", "kind": "private", "slug": "pit"})
    assert made.status_code == 201
    assert (made.json()["slug"], made.json()["kind"], made.json()["role"]) == (
        "pit",
        "private",
        "owner",
    )
    changed = alice.patch(
        ROOT + "rooms/pit/", {"topic": "tyres", "retention_days": 30, "notify": "all"}
    ).json()
    assert (changed["topic"], changed["retention_days"], changed["notify"]) == ("tyres", 30, "all")
    assert alice.patch(ROOT + "rooms/pit/", {"archived": True}).json()["archived"] is True
    assert alice.post(ROOT + "rooms/pit/messages/", {"text": "late"}).status_code == 409
    assert alice.delete(ROOT + "rooms/pit/").status_code == 204
    assert alice.get(ROOT + "rooms/pit/").status_code == 404


def test_a_change_of_a_room_is_made_whole_or_not_at_all(team: Team, bob: Any) -> None:
    refused = bob.patch(ROOT + "rooms/general/", {"notify": "all", "topic": "mine now"})
    assert refused.status_code == 403
    assert Membership.objects.get(room=team.general, user=team.bob).notify == "mentions"


def test_a_direct_room_is_opened_by_person_and_is_the_same_again(team: Team, alice: Any) -> None:
    first = alice.post(ROOT + "rooms/", {"kind": "direct", "user_id": team.bob.pk})
    again = alice.post(ROOT + "rooms/", {"kind": "direct", "username": "BOB"})
    assert first.json()["slug"] == again.json()["slug"]
    assert first.json()["username"] == "bob"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x", "kind": "secret"}, "kind"),
        ({"name": "x", "slug": "No Good"}, "slug"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "retention_days": 0}, "retention_days"),
        ({"name": "x", "user_id": 1}, "user_id"),
        ({"name": "x\u0000y"}, "name"),
        ({"kind": "direct"}, "user_id"),
        ([], "non_field_errors"),
        ("x", "non_field_errors"),
    ],
)
def test_a_room_that_cannot_be_is_refused_by_field(alice: Any, body: Any, field: str) -> None:
    answer = alice.post(ROOT + "rooms/", body)
    assert answer.status_code == 400, answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_command"
    assert field in answer.json()["errors"]
    assert Room.objects.count() == 2


def test_viewers_of_the_workspace_read_and_make_no_rooms(team: Team, api: Api) -> None:
    viewer = api(team.person("viewer", Role.VIEWER))
    assert viewer.get(ROOT + "rooms/general/messages/").status_code == 200
    for path, body in (
        ("rooms/", {"name": "x"}),
        ("rooms/general/messages/", {"text": "x"}),
    ):
        assert viewer.post(ROOT + path, body).status_code == 403


# --- Members ----------------------------------------------------------------------------------


def test_members_come_are_changed_and_go(team: Team, alice: Any, api: Api) -> None:
    carol = team.carol.pk
    address = ROOT + "rooms/ops/members/"
    added = alice.post(address, {"user_id": carol, "role": "read_only"})
    assert (added.status_code, added.json()["role"]) == (201, "read_only")
    assert alice.post(address, {"user_id": carol}).status_code == 409
    assert alice.patch(f"{address}{carol}/", {"role": "moderator"}).json()["role"] == "moderator"
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    muted = alice.patch(address, {"user_id": carol, "muted_until": until}).json()
    assert muted["muted_until"] is not None
    assert api(team.carol).post(ROOT + "rooms/ops/messages/", {"text": "x"}).status_code == 403
    assert alice.patch(f"{address}{carol}/", {"muted_until": None}).json()["muted_until"] is None
    assert [each["username"] for each in alice.get(address).json()] == ["alice", "bob", "carol"]
    assert alice.delete(f"{address}{carol}/").status_code == 204
    assert api(team.carol).get(address).status_code == 404
    alice.post(address, {"user_id": carol})
    assert alice.delete(address, {"user_id": carol}).status_code == 204


def test_one_joins_a_public_room_and_leaves_it(team: Team, api: Api) -> None:
    carol = api(team.carol)
    assert carol.post(ROOT + "rooms/general/members/", {}).status_code == 201
    assert carol.get(ROOT + "rooms/general/").json()["role"] == "member"
    assert carol.delete(f"{ROOT}rooms/general/members/{team.carol.pk}/").status_code == 204
    assert carol.get(ROOT + "rooms/general/").json()["role"] is None


def test_a_change_of_a_member_needs_the_right_and_something_to_change(
    team: Team, alice: Any, bob: Any
) -> None:
    address = f"{ROOT}rooms/ops/members/{team.bob.pk}/"
    assert (
        bob.patch(f"{ROOT}rooms/ops/members/{team.alice.pk}/", {"role": "member"}).status_code
        == 403
    )
    for body in ({}, {"role": "king"}, {"muted_until": "soon"}, {"user": 1}):
        assert alice.patch(address, body).status_code == 400
    assert alice.patch(f"{ROOT}rooms/ops/members/", {"role": "member"}).json()["errors"] == {
        "user_id": ["This field is required."]
    }
    assert alice.patch(f"{ROOT}rooms/ops/members/999999/", {"role": "member"}).status_code == 404


# --- Messages ---------------------------------------------------------------------------------


def test_a_message_is_posted_once_under_its_id(team: Team, bob: Any) -> None:
    body = {"text": "hello **all**", "client_message_id": "a-1"}
    first = bob.post(ROOT + "rooms/general/messages/", body)
    again = bob.post(ROOT + "rooms/general/messages/", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | {"duplicate": True} == again.json()
    assert first.json() | {"room": "general", "sequence": 1, "duplicate": False} == first.json()
    message = bob.get(f"{ROOT}messages/{first.json()['message_id']}/").json()
    assert (message["message"], message["username"]) == ("hello **all**", "bob")
    assert message["html"] == "<p>hello <strong>all</strong></p>\n"


def test_pages_of_a_room_lead_to_both_sides(team: Team, bob: Any) -> None:
    for number in range(1, 10):
        team.say(team.alice, team.general, str(number))

    def texts(answer: dict[str, Any]) -> list[str]:
        return [message["message"] for message in answer["results"]]

    address = ROOT + "rooms/general/messages/"
    newest = bob.get(address, {"limit": 4}).json()
    assert (texts(newest), newest["next"]) == (["6", "7", "8", "9"], None)
    older = bob.get(newest["previous"]).json()
    assert texts(older) == ["2", "3", "4", "5"]
    assert texts(bob.get(older["next"]).json()) == ["6", "7", "8", "9"]
    assert texts(bob.get(older["previous"]).json()) == ["1"]
    assert bob.get(older["previous"]).json()["previous"] is None
    assert texts(bob.get(address, {"after": 7}).json()) == ["8", "9"]
    assert texts(bob.get(address, {"around": 5, "limit": 2}).json()) == ["4", "5"]
    assert bob.get(address, {"after": 2**63 - 1}).json()["results"] == []


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 201}, {"before": "x"}, {"before": 2**63}, {"before": 1, "after": 1}],
)
def test_a_page_that_cannot_be_is_refused(bob: Any, query: dict[str, Any]) -> None:
    answer = bob.get(ROOT + "rooms/general/messages/", query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")


def test_editing_keeps_what_was_said_before(team: Team, alice: Any, bob: Any) -> None:
    address = f"{ROOT}messages/{team.say(team.alice, team.general, 'frist').message_id}/"
    edited = alice.patch(address, {"text": "first"}).json()
    assert edited["message"] == "first"
    assert edited["edited_at"] is not None
    assert [each["text"] for each in bob.get(address + "revisions/").json()] == ["frist"]
    assert bob.patch(address, {"text": "mine"}).status_code == 403
    assert alice.patch(address, {"text": ""}).json()["errors"].keys() == {"text"}


def test_a_deleted_message_leaves_a_tombstone(team: Team, alice: Any, bob: Any) -> None:
    sent = team.say(team.bob, team.general, "oops")
    address = f"{ROOT}messages/{sent.message_id}/"
    assert alice.delete(address, {"reason": "spam"}).status_code == 204
    assert alice.delete(address).status_code == 204
    stone = bob.get(address).json()
    assert (stone["deleted"], stone["message"], stone["html"]) == (True, "", "")
    assert bob.patch(address, {"text": "again"}).status_code == 409


def test_reactions_are_put_on_and_taken_off(team: Team, alice: Any, bob: Any) -> None:
    address = f"{ROOT}messages/{team.say(team.alice, team.general).message_id}/reactions/"
    alice.post(address, {"emoji": "🎉"})
    both = bob.post(address, {"emoji": "🎉"}).json()
    assert both == [{"emoji": "🎉", "user_ids": [team.alice.pk, team.bob.pk], "count": 2}]
    assert alice.delete(address, {"emoji": "🎉"}).json()[0]["user_ids"] == [team.bob.pk]
    assert alice.get(address).json()[0]["count"] == 1
    assert alice.post(address, {"emoji": "nope"}).json()["errors"].keys() == {"emoji"}


def test_pins_are_set_listed_and_taken_off(team: Team, alice: Any, bob: Any) -> None:
    sent = team.say(team.bob, team.general, "important")
    address = f"{ROOT}messages/{sent.message_id}/pin/"
    assert bob.post(address).status_code == 403
    assert alice.post(address).json()["pinned"] is True
    assert [each["message"] for each in bob.get(ROOT + "rooms/general/pins/").json()] == [
        "important"
    ]
    assert alice.delete(address).status_code == 204
    assert bob.get(ROOT + "rooms/general/pins/").json() == []


def test_reading_moves_the_marker_and_never_back(team: Team, bob: Any) -> None:
    for _ in range(3):
        team.say(team.alice, team.general)
    address = ROOT + "rooms/general/read/"
    assert bob.post(address, {"sequence": 2}).json() == {
        "room": "general",
        "sequence": 2,
        "unread": 1,
        "mentions": 0,
    }
    assert bob.post(address, {"sequence": 1}).json()["sequence"] == 2
    for body in ({}, {"sequence": -1}, {"sequence": True}, {"sequence": "x"}, {"sequence": 1.5}):
        assert bob.post(address, body).status_code == 400


# --- Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
        ({"text": "x" * 65_536}, "text"),
        ({"text": 7}, "text"),
        ({"text": None}, "text"),
        ({"text": "a\u0000b"}, "text"),
        ({"text": "x", "client_message_id": ""}, "client_message_id"),
        ({"text": "x", "client_message_id": "x" * 65}, "client_message_id"),
        ({"text": "x", "reply_to": "x"}, "reply_to"),
        ({"text": "x", "attachments": [1] * 11}, "attachments"),
        ({"text": "x", "attachments": "1"}, "attachments"),
        ({"text": "x", "card": {"kind": "metric"}}, "card"),
        ({"text": "x", "replyto": 1}, "replyto"),
    ],
)
def test_a_message_that_cannot_be_is_refused_by_field(bob: Any, body: Any, field: str) -> None:
    answer = bob.post(ROOT + "rooms/general/messages/", body)
    assert answer.status_code == 400, answer.json()
    assert field in answer.json()["errors"]
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "x", "reply_to": 2**62}, 404),
        ({"text": "x", "attachments": [2**62]}, 404),
        ({"text": "x", "card": {"kind": "metric", "reference": "no_such_metric"}}, 404),
    ],
)
def test_what_a_message_refers_to_must_be_there(bob: Any, body: Any, status: int) -> None:
    assert bob.post(ROOT + "rooms/general/messages/", body).status_code == status
    assert not Message.objects.exists()


def test_html_in_a_message_is_text(team: Team, bob: Any) -> None:
    evil = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) <script>alert(1)</script>"
    sent = bob.post(ROOT + "rooms/general/messages/", {"text": evil}).json()
    message = bob.get(f"{ROOT}messages/{sent['message_id']}/").json()
    assert message["message"] == evil
    assert "<img" not in message["html"]
    assert "<script" not in message["html"]
    assert "href" not in message["html"]


@pytest.mark.parametrize(
    "path",
    [
        "rooms/nowhere/",
        "rooms/%00/",
        "rooms/a%00b/messages/",
        "rooms/" + "x" * 500 + "/",
        "rooms/☃/",
        "messages/999999/",
        "messages/" + "9" * 30 + "/",
        "attachments/" + "9" * 30 + "/",
        "rooms/general/members/" + "9" * 30 + "/",
    ],
)
def test_what_does_not_exist_is_a_problem_and_no_crash(bob: Any, path: str) -> None:
    answer = bob.delete(ROOT + path) if "members" in path else bob.get(ROOT + path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_other_teams_rooms_are_not_there(team: Team, api: Api) -> None:
    sent = team.say(team.alice, team.general, "ours")
    stranger = api(make_member(username="dora"))
    assert stranger.get(ROOT + "rooms/").json() == []
    assert stranger.get(ROOT + "rooms/general/").status_code == 404
    assert stranger.get(f"{ROOT}messages/{sent.message_id}/").status_code == 404
    assert stranger.get(f"{ROOT}rooms/?workspace={team.workspace.slug}").status_code == 404


def test_nobody_is_let_in_without_saying_who_they_are(client: Any, team: Team) -> None:
    for path in ("rooms/", "rooms/general/messages/", "search/messages/?q=x", "attachments/1/"):
        answer = client.get(ROOT + path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
