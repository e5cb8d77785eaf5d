"""The chat page, and its requests besides the socket."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import Role
from chat.services import open_direct_room
from tests.conftest import Api
from tests.support.people import join, make_member, make_user, make_workspace
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client, team: Team) -> Client:
    client.force_login(team.alice)
    return client


def test_whoever_is_not_signed_in_is_sent_to_the_form(client: Client) -> None:
    answer = client.get("/chat/general/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/chat/general/")


def test_the_page_knows_which_room_its_address_names(page: Client) -> None:
    assert 'data-room="general"' in page.get("/chat/general/").content.decode()
    assert 'data-room=""' in page.get("/chat/").content.decode()


def test_a_private_room_cannot_be_told_from_none(client: Client, team: Team) -> None:
    client.force_login(team.carol)
    private, none = client.get(f"/chat/{team.ops.slug}/"), client.get("/chat/nowhere/")
    assert private.status_code == none.status_code == 200
    assert team.ops.name not in private.content.decode()


def test_a_workspace_of_others_is_not_there(page: Client) -> None:
    other = make_workspace()
    assert page.get(f"/chat/?workspace={other.slug}").status_code == 404


def test_the_workspace_asked_for_is_kept_in_the_navigation(page: Client, team: Team) -> None:
    other = make_workspace()
    join(team.alice, other, Role.MEMBER)
    content = page.get(f"/chat/?workspace={other.slug}").content.decode()
    assert f'href="/chat/?workspace={other.slug}"' in content


def test_whoever_is_in_no_workspace_is_told_so(client: Client) -> None:
    client.force_login(make_user())
    assert "no workspace yet" in client.get("/chat/").content.decode()


def badge(client: Client) -> str:
    """Return the number beside "Chat" as the server renders it; empty if it is hidden."""
    found = re.search(r'<span class="(count[^"]*)" data-badge="chat"[^>]*>(\d+)<', text_of(client))
    assert found
    return "" if found[2] == "0" else f"{found[2]} {found[1].removeprefix('count').strip()}".strip()


def text_of(client: Client) -> str:
    return client.get("/accounts/profile/").content.decode()


def test_the_number_beside_chat_is_that_of_unread_messages(page: Client, team: Team) -> None:
    assert badge(page) == ""
    team.say(team.bob, team.general)
    team.say(team.bob, team.ops)
    # Not counted: a message in a room that alice is not in, and her own message.
    team.say(team.carol, team.room("Elsewhere", owner=team.carol))
    team.say(team.alice, team.general)
    assert badge(page) == "1", "writing in a room reads it"


def test_what_calls_a_person_stands_in_place_of_all_that_is_unread(
    page: Client, team: Team
) -> None:
    team.say(team.bob, team.general)
    team.say(team.bob, team.general, "@alice box this lap")
    direct = open_direct_room(principal=team.as_(team.bob), user_id=team.alice.pk)
    team.say(team.bob, direct)
    team.say(team.bob, direct)
    assert badge(page) == "3 is-hot"


def test_a_preview_is_what_the_message_would_be_and_stores_nothing(api: Api, team: Team) -> None:
    before = team.say(team.alice, team.general).sequence
    answer = api(team.alice).post(
        "/api/v1/messages/preview/", {"text": "**fast** <script>"}, format="json"
    )
    assert answer.json() == {"html": "<p><strong>fast</strong> &lt;script&gt;</p>\n"}
    assert team.say(team.alice, team.general).sequence == before + 1


@pytest.mark.parametrize("body", [{}, {"text": 7}, {"text": "x" * 16_001}, {"words": "a"}])
def test_a_preview_of_something_else_is_refused_by_field(
    api: Api, team: Team, body: dict[str, object]
) -> None:
    answer = api(team.alice).post("/api/v1/messages/preview/", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_the_people_of_a_workspace_are_listed_to_each_other(api: Api, team: Team) -> None:
    make_member(username="stranger")
    gone = team.person("gone")
    gone.is_active = False
    gone.save()
    people = api(team.bob).get("/api/v1/users/").json()
    assert [person["username"] for person in people] == ["alice", "bob", "carol"]
    assert people[0] == {"id": team.alice.pk, "username": "alice", "name": "alice"}


def test_nobody_else_is_told_who_they_are(client: Client, api: Api, team: Team) -> None:
    assert client.get("/api/v1/users/").status_code == 401
    stranger = make_member(username="stranger")
    path = f"/api/v1/users/?workspace={team.workspace.slug}"
    assert api(stranger).get(path).status_code == 404
