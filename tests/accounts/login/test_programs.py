"""Programs that sign in by password: how their tokens and sockets end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from accounts import selectors, services
from accounts.login import jwt
from accounts.login.authentication import recheck
from accounts.models import RefreshToken, Role, User
from realtime.auth import Principal
from realtime.database import threads
from tests.conftest import Connect
from tests.support.people import PASSWORD, make_member, make_workspace

REVOKED, TOKEN_EXPIRED = 4500, 4011
WITHIN = 3.0
SECURITY = "/accounts/profile/security/"


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_member(make_workspace("pit"), Role.MEMBER, "alice")


@pytest.fixture
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Access tokens that live for two seconds."""
    monkeypatch.setattr(AccessToken, "lifetime", timedelta(seconds=2))


async def issued(alice: User) -> jwt.Issued:
    return await threads.call(jwt.issue, alice, address="192.0.2.1", user_agent="bot/1.2")


async def status_of(server: str, access: str) -> int:
    async with httpx.AsyncClient(base_url=f"http://{server}") as http:
        headers = {"Authorization": f"Bearer {access}"}
        return (await http.get("/api/v1/me/", headers=headers)).status_code


@pytest.mark.parametrize("way", ["header", "first frame", "ticket"])
async def test_a_socket_ends_when_its_access_token_expires(
    server: str, connect: Connect, alice: User, short_lived: None, way: str
) -> None:
    access = (await issued(alice)).access
    if way == "header":
        client = await connect(token=access)
    elif way == "first frame":
        client = await connect()
        await client.send({"action": "authenticate", "token": access})
    else:
        async with httpx.AsyncClient(base_url=f"http://{server}") as http:
            headers = {"Authorization": f"Bearer {access}"}
            ticket = (await http.post("/api/v1/ws-ticket/", headers=headers)).json()["ticket"]
        client = await connect(ticket=ticket)
    assert await client.closed(within=8) == TOKEN_EXPIRED
    farewell = client.frames[-1]
    assert (farewell["type"], farewell["code"]) == ("disconnect", TOKEN_EXPIRED)


async def test_a_socket_ends_when_its_api_token_expires(connect: Connect, alice: User) -> None:
    soon = timezone.now() + timedelta(seconds=1.5)
    workspace = await threads.call(alice.workspaces.get)
    _token, secret = await threads.call(
        services.create_token,
        user_id=alice.pk,
        workspace_id=workspace.pk,
        name="short",
        expires_at=soon,
    )
    client = await connect(token=secret)
    assert await client.closed(within=8) == REVOKED


def _by_its_row(alice: User) -> None:
    services.end_refresh_token(token_id=RefreshToken.objects.get().pk, user_id=alice.pk)


def _everywhere(alice: User) -> None:
    services.end_other_sessions(user_id=alice.pk, keep_session_key=None)


def _by_a_new_password(alice: User) -> None:
    services.change_password(user=alice, password="another-gate-8")


def _by_deactivation(alice: User) -> None:
    services.deactivate_user(user=alice)


@pytest.mark.parametrize("end", [_by_its_row, _everywhere, _by_a_new_password, _by_deactivation])
async def test_what_ends_a_refresh_token_ends_its_access_tokens_and_sockets(
    server: str, connect: Connect, alice: User, end: Callable[[User], None]
) -> None:
    tokens = await issued(alice)
    again = await threads.call(jwt.refresh, tokens.refresh)
    assert again is not None
    clients = [await connect(token=tokens.access), await connect(token=again.access)]
    assert await status_of(server, again.access) == 200
    await threads.call(end, alice)
    assert [await client.closed(WITHIN) for client in clients] == [REVOKED] * 2
    assert await status_of(server, again.access) == 401
    assert await threads.call(jwt.refresh, tokens.refresh) is None
    assert not await threads.call(RefreshToken.objects.exists)


async def test_the_end_of_one_program_leaves_the_others(connect: Connect, alice: User) -> None:
    ended = await issued(alice)
    row = await threads.call(RefreshToken.objects.get)
    kept = await connect(token=(await issued(alice)).access)
    client = await connect(token=ended.access)
    await threads.call(services.end_refresh_token, token_id=row.pk)
    assert await client.closed(WITHIN) == REVOKED
    assert (await kept.command("ping"))["type"] == "pong"


def test_an_end_that_nobody_announced_is_found(alice: User) -> None:
    login = jwt.login_of(jwt.issue(alice).access)
    assert login is not None

    def opened() -> Principal:
        return selectors.principal_of(alice, refresh=login.refresh, expires_at=login.expires_at)

    principal = Principal(**_fields(opened()) | {"password_mark": jwt.password_mark(alice)})
    assert recheck([principal]) == {principal: principal}
    RefreshToken.objects.all()._raw_delete("default")
    assert recheck([principal]) == {principal: None}


def _fields(principal: Principal) -> dict[str, object]:
    return {name: getattr(principal, name) for name in principal.__slots__}


def test_programs_are_listed_with_the_sessions_and_can_be_signed_out(alice: User) -> None:
    program, browser = Client(HTTP_USER_AGENT="exporter/1.2"), Client()
    body = {"username": "alice", "password": PASSWORD}
    tokens = program.post("/api/v1/token/", body, content_type="application/json").json()
    browser.force_login(alice)
    page = browser.get(SECURITY).content.decode()
    assert "exporter" in page
    assert "Program" in page
    row = RefreshToken.objects.get()
    assert (row.address, row.user_agent) == ("127.0.0.1", "exporter/1.2")
    path = f"/accounts/profile/programs/{row.pk}/end/"
    assert browser.get(path).status_code == 405
    assert browser.post(path)["Location"] == SECURITY
    bearer = {"Authorization": f"Bearer {tokens['access']}"}
    assert program.get("/api/v1/me/", headers=bearer).status_code == 401


def test_nobody_signs_out_somebody_elses_program(alice: User) -> None:
    jwt.issue(alice)
    other = Client()
    other.force_login(make_member(username="other"))
    path = f"/accounts/profile/programs/{RefreshToken.objects.get().pk}/end/"
    assert other.post(path).status_code == 404
    assert RefreshToken.objects.exists()


def test_a_refresh_notes_where_and_keeps_the_refresh_token(alice: User) -> None:
    tokens = jwt.issue(alice, address="192.0.2.1", user_agent="old/1")
    again = jwt.refresh(tokens.refresh, address="192.0.2.2", user_agent="new/2")
    assert again is not None
    row = RefreshToken.objects.get()
    assert (row.address, row.user_agent) == ("192.0.2.2", "new/2")
    assert jwt.refresh(tokens.refresh) is not None


def test_the_least_recently_used_program_makes_room(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.services.refresh_tokens.MAX_PER_USER", 2)
    first, second, third = (jwt.issue(alice) for _ in range(3))
    alive = [jwt.login_of(tokens.access) is not None for tokens in (first, second, third)]
    assert alive == [False, True, True]
