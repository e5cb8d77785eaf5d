"""The REST API: reading, marking, notifying others, pushing to connected users."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from accounts.models import Role
from notifications import services
from notifications.models import Notification
from realtime.sessions import directory
from tests.conftest import Api
from tests.notifications.conftest import Inbox, Team, call
from tests.support.people import join, make_member, make_workspace

pytestmark = pytest.mark.django_db

LIST = "/api/v1/notifications/"


def test_pages_are_newest_first_and_follow_one_another(team: Team, api: Api) -> None:
    made = [team.tell(team.ann, title=f"Lap {number}")[0].pk for number in range(5)]
    team.tell(team.ben)
    client = api(team.ann)
    seen, url = [], f"{LIST}?limit=2"
    while url:
        page = client.get(url).json()
        seen += [each["id"] for each in page["results"]]
        url = page["next"]
    assert seen == made[::-1]
    assert set(page) == {"next", "previous", "results"}
    assert page["results"][0]["title"] == "Lap 0"


def test_pages_can_be_of_unread_or_read_ones_or_of_one_kind(team: Team, api: Api) -> None:
    (read,), (unread,) = team.tell(team.ann), team.tell(team.ann, kind="announcement")
    services.mark_read(principal=team.principal(team.ann), notification_ids=[read.pk])
    client = api(team.ann)

    def ids(query: str) -> list[int]:
        return [each["id"] for each in client.get(LIST + query).json()["results"]]

    assert ids("") == [unread.pk, read.pk]
    assert ids("?unread=1") == [unread.pk]
    assert ids("?unread=0") == [read.pk]
    assert ids("?kind=message") == [read.pk]
    assert ids("?kind=announcement&unread=false") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [("?unread=maybe", 400), ("?kind=unheard", 400), ("?cursor=nonsense", 404), ("?limit=x", 400)],
)
def test_a_query_that_makes_no_sense_is_refused(
    team: Team, api: Api, query: str, status: int
) -> None:
    assert api(team.ann).get(LIST + query).status_code == status


@pytest.mark.parametrize(
    "position", ["p=abc", "p=", "p=-1", "p=1.5", "p=" + "9" * 40, "p=" + "9" * 5000, "r=1&p=x"]
)
def test_a_cursor_that_somebody_made_up_leads_nowhere(team: Team, api: Api, position: str) -> None:
    cursor = base64.b64encode(position.encode()).decode()
    answer = api(team.ann).get(LIST, {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_marking_one_and_all_as_read(team: Team, api: Api) -> None:
    first, *_ = [team.tell(team.ann)[0] for _ in range(3)]
    client = api(team.ann)
    once = client.post(f"{LIST}{first.pk}/read/")
    assert (once.status_code, once.json()) == (200, {"marked": 1, "unread_count": 2})
    assert client.post(f"{LIST}{first.pk}/read/").json() == {"marked": 0, "unread_count": 2}
    assert client.post(f"{LIST}read-all/").json() == {"marked": 2, "unread_count": 0}


@pytest.mark.parametrize("number", ["theirs", "987654", "0", "9" * 30])
def test_what_is_not_ones_own_is_not_found(team: Team, api: Api, number: str) -> None:
    (theirs,) = team.tell(team.ben)
    number = str(theirs.pk) if number == "theirs" else number
    answer = api(team.ann).post(f"{LIST}{number}/read/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not Notification.objects.exclude(read_at=None).exists()


def test_an_admin_tells_one_member(team: Team, api: Api) -> None:
    body = {"user_id": team.ann.pk, "title": "Box, box", "severity": "critical", "link": "/chat/"}
    answer = api(team.boss).post(LIST, body)
    told = Notification.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"notified": 1, "ids": [told.pk]})
    assert (told.user, told.kind, told.severity) == (team.ann, "message", "critical")


@pytest.mark.parametrize(
    ("audience", "told"), [("everybody", {"boss", "ann", "ben"}), ("member", {"ann", "ben"}),
                           ("admin", {"boss"}), ("owner", set())],
)  # fmt: skip
def test_an_admin_tells_an_audience(team: Team, api: Api, audience: str, told: set[str]) -> None:
    make_member(make_workspace())
    answer = api(team.boss).post(LIST, {"audience": audience, "title": "Pit wall meeting"})
    assert answer.status_code == 201
    users = {getattr(team, name).pk for name in told}
    assert set(Notification.objects.values_list("user_id", flat=True)) == users


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_whose_role_does_not_allow_it_tells_nobody(team: Team, api: Api, role: str) -> None:
    client = api(make_member(team.workspace, role))
    answer = client.post(LIST, {"user_id": team.ann.pk, "title": "Hi"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "Neither"}, "user_id"),
        ({"title": "Both", "user_id": 1, "audience": "everybody"}, "audience"),
        ({"title": "", "audience": "everybody"}, "title"),
        ({"audience": "everybody"}, "title"),
        ({"title": "x" * 201, "audience": "everybody"}, "title"),
        ({"title": "x", "message": "x" * 2001, "audience": "everybody"}, "message"),
        ({"title": "x", "audience": "nobody"}, "audience"),
        ({"title": "x", "audience": "everybody", "severity": "meh"}, "severity"),
        ({"title": "x", "audience": "everybody", "link": "javascript:alert(1)"}, "link"),
        ({"title": "x", "audience": "everybody", "titel": "y"}, "titel"),
        ({"title": "x\u0000", "audience": "everybody"}, "title"),
        ({"title": "x", "user_id": 10**20}, "user_id"),
        ({"title": "x", "user_id": 2**63}, "user_id"),
    ],
)
def test_a_malformed_one_is_refused_by_field(
    team: Team, api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api(team.boss).post(LIST, body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Notification.objects.exists()


def test_who_is_no_member_cannot_be_told(team: Team, api: Api) -> None:
    stranger = make_member(make_workspace())
    for user_id in (stranger.pk, 987_654):
        answer = api(team.boss).post(LIST, {"user_id": user_id, "title": "Hi"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_notifications_of_another_workspace_are_not_in_this_one(team: Team, api: Api) -> None:
    other = make_workspace()
    join(team.ann, other)
    (told,) = team.tell(team.ann)
    client = api(team.ann)
    assert client.get(f"{LIST}?workspace={other.slug}").json()["results"] == []
    assert client.post(f"{LIST}{told.pk}/read/?workspace={other.slug}").status_code == 404
    assert client.post(f"{LIST}read-all/?workspace={other.slug}").json()["marked"] == 0
    assert client.get(f"{LIST}?unread=1").json()["results"][0]["id"] == told.pk


def push(client: Any, user: Any, message: str = "Box now") -> Any:
    return client.post(f"/api/v1/users/{user.pk}/push/", {"message": message})


def test_pushing_to_who_is_not_connected_says_so(team: Team, api: Api) -> None:
    answer = push(api(team.ben), team.ann)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_connected")


def test_pushing_needs_a_role_a_member_and_a_message(team: Team, api: Api) -> None:
    stranger, viewer = make_member(make_workspace()), make_member(team.workspace, Role.VIEWER)
    assert push(api(team.ben), stranger).json()["code"] == "not_found"
    assert push(api(viewer), team.ann).json()["code"] == "permission_denied"
    assert "message" in push(api(team.ben), team.ann, "").json()["errors"]


@pytest.mark.django_db(transaction=True)
async def test_a_push_reaches_every_connection_of_the_member_and_nobody_elses(
    inbox: Inbox, connect: Any, live_team: Team, api: Api
) -> None:
    first, second = await inbox(live_team.ann), await connect("/ws/dashboard/", user=live_team.ann)
    bystander = await inbox(live_team.ben)
    answer = await call(lambda: push(api(live_team.ben), live_team.ann))
    assert (answer.status_code, answer.json()) == (200, {"sent": True})
    for client in (first, second):
        message = await client.event("user_message")
        assert message["message"] == "Box now"
        assert message["from"] == {"id": live_team.ben.pk, "username": live_team.ben.username}
    await bystander.command("ping")
    assert "user_message" not in [frame["type"] for frame in bystander.frames]


@pytest.mark.django_db(transaction=True)
async def test_connected_elsewhere_is_not_connected_here(
    connect: Any, live_team: Team, api: Api
) -> None:
    other = await call(make_workspace)
    await call(join, live_team.ann, other)
    client = await connect("/ws/dashboard/", user=live_team.ann, workspace=other.slug)
    await client.event("connection_established")
    answer = await call(lambda: push(api(live_team.ben), live_team.ann))
    assert answer.json()["code"] == "not_connected"


@pytest.mark.django_db(transaction=True)
async def test_within_a_second_after_the_last_connection_is_gone_so_is_the_user(
    inbox: Inbox, live_team: Team, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stale list in the database must not matter on the process that has the connection.
    monkeypatch.setattr(directory, "PAUSE", 30.0)
    client = await inbox(live_team.ann)
    await asyncio.sleep(0)
    assert (await call(lambda: push(api(live_team.ben), live_team.ann))).status_code == 200
    await client.close()
    async with asyncio.timeout(1):
        while (await call(lambda: push(api(live_team.ben), live_team.ann))).status_code == 200:
            await asyncio.sleep(0.02)


@pytest.mark.django_db(transaction=True)
async def test_read_over_rest_is_read_on_the_socket(
    inbox: Inbox, live_team: Team, api: Api
) -> None:
    (told,) = await call(live_team.tell, live_team.ann)
    client = await inbox(live_team.ann)
    await call(lambda: api(live_team.ann).post(f"{LIST}{told.pk}/read/"))
    read = await client.event("notification_read")
    assert (read["ids"], read["unread_count"]) == ([told.pk], 0)
