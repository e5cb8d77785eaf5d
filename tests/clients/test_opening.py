"""Opening a connection: whether it succeeds, and the exception that tells why not."""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

import pytest
from pitwall_client import (
    Api,
    AuthenticationError,
    Client,
    ConnectionClosedError,
    ConnectionLostError,
    FirstFrame,
    Jwt,
    NotFoundError,
    PitwallError,
    SessionCookie,
    State,
    Ticket,
    Token,
    UnknownEndpointError,
    UnknownWorkspaceError,
    UnreachableError,
)
from rest_framework_simplejwt.tokens import AccessToken

from accounts import services
from accounts.models import ApiToken
from realtime.database import threads
from tests.conftest import session_key_of
from tests.support.people import PASSWORD
from tests.support.ports import free_port
from tests.support.proxy import CuttableProxy
from tests.support.rooms import Team

from .conftest import Opened, cut, token_of

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "pw_0123456789-very-secret"
# Each makes credentials of a secret.
KINDS: dict[str, Any] = {
    "header": Token,
    "first frame": FirstFrame,
    "cookie": SessionCookie,
}


async def refused(url: str, credentials: Any = None, **options: Any) -> PitwallError:
    """Open a client, which must fail; returns the exception."""
    with pytest.raises(PitwallError) as error:
        async with Client(url, credentials, **options):
            pass
    return error.value


async def test_bad_credentials_are_an_authentication_error(server: str) -> None:
    for kind in KINDS.values():
        error = await refused(f"ws://{server}/ws/chat/", kind("pw-bad"))
        assert type(error) is AuthenticationError


async def test_a_bad_ticket_is_an_authentication_error(server: str) -> None:
    async def fetch() -> str:
        return "never-issued"

    error = await refused(f"ws://{server}/ws/chat/", Ticket(fetch))
    assert type(error) is AuthenticationError


async def test_a_revoked_token_is_an_authentication_error(server: str, team: Team) -> None:
    secret = await threads.call(token_of, team.alice)
    token = await threads.call(ApiToken.objects.get)
    await threads.call(lambda: services.revoke_token(token_id=token.pk))
    error = await refused(f"ws://{server}/ws/chat/", Token(secret))
    assert type(error) is AuthenticationError


async def test_a_token_revoked_on_the_way_ends_the_client_as_one(
    pitwall: Opened, team: Team
) -> None:
    client = await pitwall(team.alice)
    token = await threads.call(ApiToken.objects.get)
    await threads.call(lambda: services.revoke_token(token_id=token.pk))
    with pytest.raises(AuthenticationError) as ended:
        async for _ in client:
            pass
    assert ended.value.code == 4500
    with pytest.raises(AuthenticationError):
        await client.command("ping")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unknown_workspace_is_named(server: str, team: Team, kind: str) -> None:
    make = session_key_of if kind == "cookie" else token_of
    credentials = KINDS[kind](await threads.call(make, team.alice))
    url = f"ws://{server}/ws/chat/"
    for error in (
        await refused(f"{url}?workspace=nowhere", credentials),
        await refused(url, credentials, workspace="nowhere"),
    ):
        assert isinstance(error, UnknownWorkspaceError)
        assert isinstance(error, AuthenticationError)
        assert isinstance(error, NotFoundError)
        assert "nowhere" in str(error)


async def test_a_ticket_for_an_unknown_workspace_names_it_too(server: str, team: Team) -> None:
    token = await threads.call(token_of, team.alice)
    async with Api(f"http://{server}", token, workspace="nowhere") as api:
        error = await refused(f"ws://{server}/ws/chat/", Ticket(api.ws_ticket))
    assert isinstance(error, UnknownWorkspaceError)


async def test_with_a_bad_token_it_is_not_the_workspace_that_is_named(server: str) -> None:
    error = await refused(f"ws://{server}/ws/chat/", Token("pw-bad"), workspace="nowhere")
    assert type(error) is AuthenticationError


async def test_an_endpoint_that_does_not_exist_is_not_found(server: str) -> None:
    error = await refused(f"ws://{server}/ws/nothing/", Token("pw-bad"))
    assert isinstance(error, UnknownEndpointError)
    assert isinstance(error, ConnectionClosedError)
    assert isinstance(error, NotFoundError)


async def test_something_that_does_not_exist_is_not_found(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice)
    with pytest.raises(NotFoundError):
        await client.command("subscribe", rooms=["nowhere"])


async def test_a_server_that_is_down_at_the_start_is_waited_for(server: str, team: Team) -> None:
    host, port = server.split(":")
    token = await threads.call(token_of, team.alice)
    proxy = CuttableProxy(host, int(port))
    proxy.cut()
    waiting = asyncio.Event()
    client = Client(
        f"ws://127.0.0.1:{proxy.port}/ws/chat/",
        Token(token),
        on_state=lambda state: state is State.WAITING and waiting.set(),
    )
    opening = asyncio.create_task(client.__aenter__())
    await asyncio.wait_for(waiting.wait(), 5)
    proxy.restore()
    await asyncio.wait_for(opening, 10)
    assert (await client.command("ping"))["type"] == "pong"
    await client.close()
    proxy.cut()


async def test_a_server_that_stays_down_is_an_error_in_time() -> None:
    url = f"ws://127.0.0.1:{free_port()}/ws/chat/"
    error = await refused(url, connect_within=0)
    assert isinstance(error, UnreachableError)
    assert isinstance(error, ConnectionLostError)
    assert isinstance(error, OSError), "as before there were exceptions of our own"
    loop = asyncio.get_running_loop()
    began = loop.time()
    await refused(url, connect_within=0.3)
    assert 0.3 <= loop.time() - began < 5


async def test_a_client_that_is_not_open_says_so_at_once() -> None:
    client = Client("ws://127.0.0.1:9/ws/chat/")
    async with asyncio.timeout(1):
        for attempt in (
            lambda: client.command("ping"),
            lambda: client.send({"action": "ping"}),
            lambda: client.event("news"),
            lambda: client.wait_until_live(),
            lambda: anext(aiter(client)),
        ):
            with pytest.raises(ConnectionClosedError, match="async with"):
                await attempt()
        await client.close()
        with pytest.raises(ConnectionClosedError):
            await client.command("ping")
        with pytest.raises(ConnectionClosedError, match="only once"):
            await client.__aenter__()


@pytest.mark.parametrize("url", ["http://127.0.0.1/ws/", "127.0.0.1:8000", "ws://", ""])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="ws://"):
        Client(url)
    with pytest.raises(ValueError, match="http://"):
        Api("ws://127.0.0.1/")


DAMAGED = ["{0}\n", "{0}\nX-Other: 1", "{0}\r\n\r\nGET /", "{0}é", "\0{0}", "{0}"]


@pytest.mark.parametrize("kind", [*KINDS, "ticket", "jwt", "api"])
async def test_a_secret_is_in_no_message(
    server: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for damage in DAMAGED:
        told = await told_of(server, kind, damage.format(SECRET))
        assert SECRET not in told
    ours = [record for record in caplog.records if not record.name.startswith("realtime")]
    assert SECRET not in "".join(record.getMessage() for record in ours)


async def told_of(server: str, kind: str, secret: str) -> str:
    """Everything that an attempt with this secret prints."""

    async def fetch(*, fresh: bool = False) -> str:
        return secret

    credentials: Any
    if kind in ("ticket", "jwt"):
        credentials = Ticket(fetch) if kind == "ticket" else Jwt(fetch)
    else:
        credentials = KINDS.get(kind, Token)(secret)
    try:
        if kind == "api":
            async with Api(f"http://{server}", secret, retry_for=0) as api:
                await api.metrics()
        else:
            async with Client(f"ws://{server}/ws/chat/", credentials, workspace="nowhere"):
                pass
    except PitwallError as error:
        told = "".join(traceback.format_exception(error)) + repr(error)
    else:
        pytest.fail("it was let in")
    return told + repr(credentials) + repr(await opening_of(credentials))


async def opening_of(credentials: Any) -> object:
    try:
        return await credentials.open("ws://127.0.0.1/ws/chat/")
    except PitwallError as error:
        return error


async def test_a_token_from_a_file_may_end_with_a_newline(server: str, team: Team) -> None:
    token = await threads.call(token_of, team.alice)
    async with Client(f"ws://{server}/ws/chat/", Token(f"{token}\n")) as client:
        assert client.session.authenticated
    async with Api(f"http://{server}", f" {token}\n") as api:
        assert await api.get("me/")


async def test_a_jwt_is_renewed_before_it_expires(
    server: str, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AccessToken, "lifetime", -AccessToken.lifetime)
    async with Api(f"http://{server}") as api:
        expired = await api.obtain_token("alice", PASSWORD)
        monkeypatch.setattr(AccessToken, "lifetime", -AccessToken.lifetime)
        assert await api.access_token() != expired
        async with Client(f"ws://{server}/ws/chat/", Jwt(api.access_token)) as client:
            await client.command("subscribe", rooms=["ops"])
            await cut(client, lambda: team.say(team.bob, team.ops, "still there?"))
            assert (await client.event("chat_message"))["message"] == "still there?"


async def test_a_jwt_that_the_server_refuses_is_renewed_and_tried_once_more(
    server: str, team: Team
) -> None:
    async with Api(f"http://{server}") as api:
        good = await api.obtain_token("alice", PASSWORD)
        asked: list[bool] = []

        async def source(*, fresh: bool = False) -> str:
            asked.append(fresh)
            return good if any(asked) else "no.longer.good"

        async with Client(f"ws://{server}/ws/chat/", Jwt(source)) as client:
            assert client.session.authenticated
        assert asked == [False, True, False]


async def test_a_jwt_that_can_no_longer_be_renewed_ends_the_client(server: str, team: Team) -> None:
    async with Api(f"http://{server}") as api:
        await api.obtain_token("alice", PASSWORD)
        async with Client(f"ws://{server}/ws/chat/", Jwt(api.access_token)) as client:
            await threads.call(lambda: services.deactivate_user(user=team.alice))
            with pytest.raises(AuthenticationError):
                await client.event("never")
