"""Opening and closing sockets on a running server, through the ordinary endpoints."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts import selectors, services
from accounts.login import jwt
from accounts.login.authentication import authenticate
from accounts.models import Membership, Role, User, UserSession, Workspace
from realtime.auth import Credentials
from realtime.database import threads
from tests.conftest import Connect
from tests.support.people import PASSWORD, join, make_member, make_workspace
from tests.support.sockets import SocketClient

REVOKED = 4500
RECONNECT = range(4000, 4500)
WITHIN = 1.0
NEW = "tyre-wall-kerb-8"


@pytest.fixture
def pit(transactional_db: None) -> Workspace:
    return make_workspace("pit")


@pytest.fixture
def alice(pit: Workspace) -> User:
    return make_member(pit, Role.MEMBER, "alice")


@pytest.fixture
def secret(alice: User, pit: Workspace) -> str:
    _token, plain = services.create_token(user_id=alice.pk, workspace_id=pit.pk, name="program")
    return plain


class Browser:
    """A user's browser: pages over HTTP with cookies, sockets with the same session."""

    def __init__(self, http: httpx.AsyncClient, connect: Connect) -> None:
        self.http = http
        self._connect = connect

    async def post(self, path: str, **form: str) -> httpx.Response:
        page = await self.http.get("/accounts/login/" if "login" in path else "/accounts/profile/")
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert found
        return await self.http.post(path, data={"csrfmiddlewaretoken": found[1], **form})

    async def socket(self) -> SocketClient:
        cookie = f"sessionid={self.http.cookies['sessionid']}"
        origin = str(self.http.base_url).rstrip("/")
        client = await self._connect(headers={"Cookie": cookie, "Origin": origin})
        assert (await client.event("connection_established"))["user"]["username"] == "alice"
        return client


@pytest_asyncio.fixture
async def browsers(server: str, connect: Connect, alice: User) -> AsyncIterator[list[Browser]]:
    """Yield two browsers in which Alice has signed in through the page."""
    both = [Browser(httpx.AsyncClient(base_url=f"http://{server}"), connect) for _ in range(2)]
    for browser in both:
        await browser.post("/accounts/login/", username="alice", password=PASSWORD)
    yield both
    for browser in both:
        await browser.http.aclose()


async def is_open(client: SocketClient) -> bool:
    return (await client.command("ping"))["type"] == "pong"


async def test_each_kind_of_key_opens_a_socket(
    connect: Connect, browsers: list[Browser], alice: User, secret: str
) -> None:
    await browsers[0].socket()
    access = (await threads.call(jwt.issue, alice)).access
    principal = await threads.call(selectors.principal_of, alice)
    issued = await threads.call(services.issue_ticket, principal=principal)
    for client in (
        await connect(token=secret),
        await connect(token=access),
        await connect(ticket=issued.ticket),
    ):
        greeting = await client.event("connection_established")
        assert (greeting["user"]["username"], greeting["workspace"]) == ("alice", "pit")


async def test_a_first_frame_may_bring_the_token(connect: Connect, secret: str) -> None:
    client = await connect()
    assert (await client.event("connection_established"))["user"] is None
    await client.send({"action": "authenticate", "token": secret})
    assert (await client.event("auth_success"))["username"] == "alice"


async def refused(connect: Connect, **how: str) -> bool:
    """Tell whether a socket is refused, at the upgrade or with close code 1008."""
    try:
        client = await connect(**how)
        return await client.closed() == 1008
    except (InvalidStatus, ConnectionClosed):
        return True


async def test_a_ticket_opens_no_second_socket(connect: Connect, alice: User) -> None:
    principal = await threads.call(selectors.principal_of, alice)
    issued = await threads.call(services.issue_ticket, principal=principal)
    await connect(ticket=issued.ticket)
    assert await refused(connect, ticket=issued.ticket)


async def test_a_foreign_workspace_is_refused_by_every_key(
    connect: Connect, alice: User, secret: str
) -> None:
    await threads.call(make_workspace, "other")
    access = (await threads.call(jwt.issue, alice)).access
    assert await refused(connect, token=secret, workspace="other")
    assert await refused(connect, token=access, workspace="other")


async def test_signing_out_closes_that_sessions_sockets_alone(browsers: list[Browser]) -> None:
    desk, phone = browsers
    tabs = [await desk.socket(), await desk.socket()]
    other = await phone.socket()
    await desk.post("/accounts/logout/")
    assert [await tab.closed(WITHIN) for tab in tabs] == [REVOKED, REVOKED]
    assert await is_open(other)


async def test_ending_another_session_closes_its_sockets(browsers: list[Browser]) -> None:
    desk, phone = browsers
    mine, theirs = await desk.socket(), await phone.socket()
    await desk.post("/accounts/profile/sessions/end-others/")
    assert await theirs.closed(WITHIN) == REVOKED
    assert await is_open(mine)


async def test_a_new_password_closes_all_sockets_and_this_browser_may_come_back(
    browsers: list[Browser], connect: Connect, secret: str
) -> None:
    desk, phone = browsers
    sockets = [await desk.socket(), await phone.socket(), await connect(token=secret)]
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    await desk.post("/accounts/password/change/", **form)
    assert [await socket.closed(WITHIN) for socket in sockets] == [REVOKED] * 3
    assert await is_open(await desk.socket())
    assert (await phone.http.get("/accounts/profile/")).status_code == 302


async def test_deactivation_closes_all_sockets(
    browsers: list[Browser], connect: Connect, alice: User, secret: str
) -> None:
    sockets = [await browsers[0].socket(), await connect(token=secret)]
    await threads.call(services.deactivate_user, user=alice)
    assert [await socket.closed(WITHIN) for socket in sockets] == [REVOKED] * 2
    assert await refused(connect, token=secret)


async def test_revoking_a_token_closes_its_sockets_alone(
    browsers: list[Browser], connect: Connect, alice: User, secret: str
) -> None:
    program, page = await connect(token=secret), await browsers[0].socket()
    token = await threads.call(alice.api_tokens.get)
    await browsers[0].post(f"/accounts/profile/tokens/{token.pk}/revoke/")
    assert await program.closed(WITHIN) == REVOKED
    assert await is_open(page)


async def test_a_ticket_is_a_login_of_the_session_it_came_from(
    browsers: list[Browser], connect: Connect
) -> None:
    desk, _phone = browsers
    key = desk.http.cookies["sessionid"]
    session = await threads.call(UserSession.objects.select_related("user").get, session_id=key)
    principal = await threads.call(selectors.principal_of, session.user, session_key=key)
    issued = await threads.call(services.issue_ticket, principal=principal)
    client = await connect(ticket=issued.ticket)
    await desk.post("/accounts/logout/")
    assert await client.closed(WITHIN) == REVOKED


async def test_who_leaves_a_workspace_loses_its_sockets_and_keeps_the_others(
    connect: Connect, alice: User, pit: Workspace
) -> None:
    garage = await threads.call(make_workspace, "garage")
    await threads.call(join, alice, garage)
    access = (await threads.call(jwt.issue, alice)).access
    left = await connect(token=access, workspace="pit")
    kept = await connect(token=access, workspace="garage")
    membership = await threads.call(Membership.objects.get, user=alice, workspace=pit)
    await threads.call(services.remove_member, membership_id=membership.pk)
    assert await left.closed(WITHIN) in RECONNECT
    assert await is_open(kept)
    assert await refused(connect, token=access, workspace="pit")


async def test_a_new_role_holds_for_the_next_socket_and_the_old_one_closes(
    connect: Connect, alice: User
) -> None:
    access = (await threads.call(jwt.issue, alice)).access
    client = await connect(token=access)
    membership = await threads.call(Membership.objects.get, user=alice)
    await threads.call(services.change_role, membership_id=membership.pk, role=Role.VIEWER)
    assert await client.closed(WITHIN) in RECONNECT
    principal = await threads.call(authenticate, Credentials(bearer=access))
    assert principal is not None
    assert principal.role == Role.VIEWER


async def test_an_open_socket_counts_as_active(
    connect: Connect, alice: User, pit: Workspace, secret: str
) -> None:
    client = await connect(token=secret)
    await client.event("connection_established")
    assert await threads.call(selectors.active_user_count, pit.pk) == 1
