"""The audit log over REST, and the actor that each endpoint records."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from accounts import services
from accounts.models import AuditEntry, Membership, Role, User, Workspace
from tests.conftest import Api, Connect, session_key_of
from tests.support.people import make_member, make_user, make_workspace
from tests.support.rooms import Team

AUDIT = "/api/v1/audit/"


@pytest.mark.django_db
def test_an_admin_reads_what_happened_newest_first(api: Api, home: Workspace, mina: User) -> None:
    user = make_user("zoe")
    membership = services.add_member(workspace_id=home.pk, user_id=user.pk)
    services.change_role(membership_id=membership.pk, role=Role.VIEWER)
    answer = api(mina).get(AUDIT).json()
    assert [row["action"] for row in answer["results"]][:2] == ["change_role", "add_member"]
    row = answer["results"][0]
    assert row == {
        "id": row["id"],
        "at": row["at"],
        "actor_id": None,
        "actor_name": "",
        "address": None,
        "action": "change_role",
        "action_label": "Role changed",
        "target_kind": "accounts.membership",
        "target_id": str(membership.pk),
        "target_name": "zoe",
        "details": {"role": {"old": "member", "new": "viewer"}},
    }


@pytest.mark.django_db
def test_it_comes_in_pages(api: Api, home: Workspace, mina: User) -> None:
    membership = Membership.objects.get(user=mina)
    services.change_role(membership_id=membership.pk, role=Role.OWNER)
    for number in range(4):
        services.rename_workspace(workspace_id=home.pk, name=f"Home {number}")
    client, seen = api(mina), []
    address: str | None = f"{AUDIT}?limit=2"
    while address:
        page = client.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == AuditEntry.objects.filter(workspace=home).count() == 6


@pytest.mark.django_db
def test_it_is_narrowed(api: Api, home: Workspace, mina: User) -> None:
    # SQLite's own clock counts milliseconds.
    moment = timezone.now() - timedelta(milliseconds=1)
    AuditEntry.objects.all().delete()
    services.rename_workspace(workspace_id=home.pk, name="Home straight")
    other = make_member(home, username="zoe")
    client = api(mina)

    def found(**question: Any) -> list[str]:
        return [row["action"] for row in client.get(AUDIT, question).json()["results"]]

    assert found(action="rename_workspace") == ["rename_workspace"]
    assert found(target_kind="accounts.workspace", target_id=home.pk) == ["rename_workspace"]
    assert found(actor_id=other.pk) == []
    assert found(**{"from": moment.isoformat()}) == ["add_member", "rename_workspace"]
    assert found(to=moment.isoformat()) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "question", ["actor_id=x", "actor_id=99999999999999999999", "from=yesterday", "action=%00"]
)
def test_what_cannot_be_asked_is_named(api: Api, mina: User, question: str) -> None:
    answer = api(mina).get(f"{AUDIT}?{question}")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [question.partition("=")[0]]


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("member", 403), ("owner", 200)])
def test_it_is_for_admins(api: Api, home: Workspace, role: str, status: int) -> None:
    assert api(make_member(home, role)).get(AUDIT).status_code == status


@pytest.mark.django_db
def test_it_tells_of_no_other_workspace_and_of_no_user(api: Api, mina: User) -> None:
    elsewhere = make_workspace("elsewhere")
    services.rename_workspace(workspace_id=elsewhere.pk, name="Secret")
    services.change_password(user=mina, password="tyre-wall-kerb-8")
    client = api(mina)
    assert {row["action"] for row in client.get(AUDIT).json()["results"]} == {"add_member"}
    assert client.get(f"{AUDIT}?workspace=elsewhere").status_code == 404


async def test_a_request_over_the_real_server_names_its_user_and_address(
    server: str, transactional_db: None
) -> None:
    team = await asyncio.to_thread(Team)
    key = await asyncio.to_thread(session_key_of, team.alice)
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        client.cookies["sessionid"] = key
        client.cookies["csrftoken"] = token = "x" * 32
        headers = {"X-CSRFToken": token, "Origin": f"http://{server}"}
        answer = await client.delete("/api/v1/rooms/general/", headers=headers)
    assert answer.status_code == 204, answer.text
    entry = await AuditEntry.objects.aget(action="delete_room")
    assert (entry.actor_id, entry.actor_name) == (team.alice.pk, "alice")
    assert entry.address == "127.0.0.1"


async def test_a_command_on_a_socket_names_its_user_and_address(connect: Connect) -> None:
    team = await asyncio.to_thread(Team)
    sent = await asyncio.to_thread(team.say, team.bob, team.general)
    socket = await connect("/ws/chat/", user=team.alice)
    await socket.command("delete_message", message_id=sent.message_id)
    entry = await AuditEntry.objects.aget(action="delete_message")
    assert (entry.actor_id, entry.actor_name) == (team.alice.pk, "alice")
    assert entry.address == "127.0.0.1"


async def test_one_request_never_acts_for_another(server: str, transactional_db: None) -> None:
    """Runs many requests at once, on reused threads and tasks."""
    team = await asyncio.to_thread(Team)
    people = [team.alice, team.bob, team.carol]
    messages = [await asyncio.to_thread(team.say, people[n % 3], team.general) for n in range(9)]
    keys = [await asyncio.to_thread(session_key_of, person) for person in people]

    async def delete(number: int) -> None:
        token = "x" * 32
        cookies = {"sessionid": keys[number % 3], "csrftoken": token}
        headers = {"X-CSRFToken": token, "Origin": f"http://{server}"}
        async with httpx.AsyncClient(
            base_url=f"http://{server}", cookies=cookies, timeout=60
        ) as client:
            path = f"/api/v1/messages/{messages[number].message_id}/"
            answer = await client.delete(path, headers=headers)
            assert answer.status_code == 204, answer.text

    await asyncio.gather(*(delete(number) for number in range(9)))
    made = [entry async for entry in AuditEntry.objects.filter(action="delete_message")]
    assert len(made) == 9
    assert all(entry.actor_name == entry.details["author"] for entry in made)
