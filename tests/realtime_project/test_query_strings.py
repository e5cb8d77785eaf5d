"""The REST API takes the query parameters that it documents, and refuses all others by name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accounts.models import Role
from tests.conftest import Api
from tests.support import documented
from tests.support.people import make_member
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db
VALUES = {
    "slug": "general", "message_id": 1, "name": "cpu_usage", "user_id": 1, "attachment_id": 1,
    "notification_id": 1,
}  # fmt: skip
OPERATIONS = [
    (method, path)
    for path, operations in documented.document()["paths"].items()
    for method in operations
    if path.startswith("/api/")
]


def request(client: Any, method: str, path: str, query: str) -> Any:
    values = {name: VALUES.get(name, 1) for name in re.findall(r"{(\w+)}", path)}
    return client.generic(
        method.upper(), f"{path.format(**values)}?{query}", "{}", "application/json"
    )


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("name", ["limitt", "format", "Workspace"])
def test_every_operation_refuses_a_parameter_that_it_does_not_know(
    api: Api, method: str, path: str, name: str
) -> None:
    client = api(make_member(role=Role.ADMIN))
    answer = request(client, method, path, f"{name}=10")
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "invalid_command"
    assert answer.json()["errors"] == {name: ["This parameter is unknown."]}


def test_nothing_is_done_when_a_parameter_is_unknown(api: Api) -> None:
    team = Team()
    client = api(team.alice)
    sent = client.post("/api/v1/rooms/general/messages/?dry_run=1", {"text": "hello"})
    assert sent.status_code == 400
    assert client.get("/api/v1/rooms/general/messages/").json()["results"] == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("rooms/?joined=yes", "joined"),
        ("rooms/?joined=1&joined=0", "joined"),
        ("rooms/?workspace=a&workspace=b", "workspace"),
        ("audit/?limit=0", "limit"),
        ("audit/?limit=201", "limit"),
        ("audit/?limit=ten", "limit"),
        ("notifications/?limit=-1", "limit"),
        ("notifications/?limit=٣", "limit"),
        ("notifications/?unread=maybe", "unread"),
        ("attachments/1/?download=yes", "download"),
    ],
)
def test_a_parameter_is_never_ignored_because_its_value_is_odd(
    api: Api, path: str, name: str
) -> None:
    answer = api(make_member(role=Role.ADMIN)).get(f"/api/v1/{path}")
    if name == "workspace":
        assert answer.status_code in (400, 404)
        return
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["errors"]) == [name]


def test_an_odd_value_of_partial_is_no_half_promise(api: Api) -> None:
    client = api(make_member())
    body = {"samples": [{"metric": "heat", "value": 1}, {"metric": "heat", "value": "hot"}]}
    answer = client.post("/api/v1/samples/?partial=yes", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["partial"])
    assert client.get("/api/v1/metrics/").json() == []


def test_documented_parameters_are_taken(api: Api) -> None:
    team = Team()
    client = api(team.person("chief", Role.ADMIN))
    for path in (
        f"rooms/?workspace={team.workspace.slug}&joined=1",
        f"audit/?workspace={team.workspace.slug}&limit=200&action=login",
        "notifications/?unread=1&limit=1",
        "rooms/general/messages/?before=7&limit=10",
        "search/messages/?q=lap&timezone=Europe/Berlin",
        "attachments/?room=general&limit=3",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 200, path


def test_the_addresses_of_other_pages_are_taken_as_they_are(api: Api) -> None:
    team = Team()
    for number in range(3):
        team.say(team.bob, team.general, f"lap {number}")
    client = api(team.alice)
    room = client.get("/api/v1/rooms/general/messages/?limit=1").json()
    found = client.get("/api/v1/search/messages/?q=lap&limit=1").json()
    told = client.get("/api/v1/notifications/?limit=1").json()
    for address in filter(None, [room["previous"], found["next"], told["next"]]):
        assert client.get(address).status_code == 200, address
