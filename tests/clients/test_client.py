"""The Python client against a scripted server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from pitwall_client import (
    AuthenticationError,
    Client,
    CommandError,
    ConnectionClosedError,
    ConnectionLostError,
    FirstFrame,
    SessionCookie,
    State,
    Ticket,
    Token,
)

from .fake_server import FakeServer, Peer


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer.running() as fake:
        yield fake


@contextlib.asynccontextmanager
async def connected(server: FakeServer, **options: object) -> AsyncIterator[tuple[Client, Peer]]:
    """Yield a client without reconnect jitter, and the server's end of its first connection."""
    client = Client(server.url, uniform=lambda low, high: low, **options)  # type: ignore[arg-type]
    opening = asyncio.create_task(client.__aenter__())
    peer = await server.peer()
    await peer.established()
    await opening
    try:
        yield client, peer
    finally:
        await client.close()


async def again(server: FakeServer) -> Peer:
    peer = await server.peer()
    await peer.established()
    return peer


async def test_a_token_travels_in_the_upgrade_request(server: FakeServer) -> None:
    async with connected(server, credentials=Token("secret")) as (client, peer):
        assert peer.headers["Authorization"] == "Bearer secret"
        assert client.client_id == "c1"
        assert client.state is State.LIVE


async def test_a_session_cookie_travels_with_the_servers_origin(server: FakeServer) -> None:
    async with connected(server, credentials=SessionCookie("abc")) as (_, peer):
        assert peer.headers["Cookie"] == "sessionid=abc"
        assert peer.headers["Origin"] == server.url.replace("ws://", "http://").removesuffix(
            "/ws/dashboard/"
        )


async def test_every_attempt_gets_a_fresh_ticket(server: FakeServer) -> None:
    tickets = iter(["one", "two"])

    async def fetch() -> str:
        return next(tickets)

    async with connected(server, credentials=Ticket(fetch), workspace="main") as (_, peer):
        assert peer.path.endswith("?workspace=main&ticket=one")
        await peer.close(1011)
        assert (await again(server)).path.endswith("&ticket=two")


async def test_a_first_frame_authenticates_before_anything_else(server: FakeServer) -> None:
    client = Client(server.url, FirstFrame("secret"))
    opening = asyncio.create_task(client.__aenter__())
    peer = await server.peer()
    await peer.established(user=None)
    frame = await peer.answer("authenticate", type="auth_success", user_id=1, username="alice")
    assert frame["token"] == "secret"
    await opening
    assert client.session.authenticated
    await client.close()


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN])
async def test_a_refused_upgrade_is_an_authentication_error(
    server: FakeServer, status: HTTPStatus
) -> None:
    server.refuse_with = status
    with pytest.raises(AuthenticationError):
        async with Client(server.url, Token("wrong")):
            pass


async def test_a_command_returns_its_reply(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        command = asyncio.create_task(client.command("subscribe", metrics=["cpu_usage"]))
        await peer.answer("subscribe", type="subscription_confirmed", metrics=["cpu_usage"])
        assert (await command)["metrics"] == ["cpu_usage"]


async def test_a_refused_command_raises_and_the_connection_lives_on(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        command = asyncio.create_task(client.command("subscribe", metrics=["nope"]))
        await peer.answer("subscribe", type="error", code="not_found", message="No such metric.")
        with pytest.raises(CommandError, match="No such metric") as refused:
            await command
        assert refused.value.code == "not_found"
        command = asyncio.create_task(client.command("ping"))
        await peer.answer("ping", type="pong")
        assert (await command)["type"] == "pong"


async def test_a_command_that_was_refused_for_its_pace_is_sent_again_when_the_server_is_ready(
    server: FakeServer,
) -> None:
    loop = asyncio.get_running_loop()
    async with connected(server) as (client, peer):
        command = asyncio.create_task(client.command("ping"))
        await peer.answer("ping", type="error", code="rate_limited", retry_after=0.3)
        refused_at = loop.time()
        await peer.answer("ping", type="pong")
        assert loop.time() - refused_at >= 0.25
        assert (await command)["type"] == "pong"


async def test_a_refusal_that_would_outlast_the_commands_time_is_raised_at_once(
    server: FakeServer,
) -> None:
    async with connected(server) as (client, peer):
        command = asyncio.create_task(client.command("ping", within=5))
        await peer.answer("ping", type="error", code="rate_limited", retry_after=900)
        with pytest.raises(CommandError) as refused:
            await command
        assert refused.value.retry_after == 900


async def test_events_come_in_order_and_by_type(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        for number, kind in enumerate(["tick", "alert", "tick", "alert"]):
            await peer.push(type=kind, number=number)
        assert (await client.event("alert"))["number"] == 1
        assert (await client.event("alert", number=3))["number"] == 3
        await client.event("connection_established")
        events = aiter(client)
        assert [(await anext(events))["number"] for _ in range(2)] == [0, 2]


async def test_waiting_for_an_event_gives_up_in_time(server: FakeServer) -> None:
    async with connected(server) as (client, _):
        with pytest.raises(TimeoutError):
            await client.event("alert", within=0.05)


async def test_heartbeats_are_acknowledged(server: FakeServer) -> None:
    async with connected(server) as (_, peer):
        await peer.push(type="heartbeat", timestamp="2026-01-01T00:00:00Z")
        assert (await peer.command("heartbeat_ack"))["timestamp"] == "2026-01-01T00:00:00Z"


async def test_a_broken_connection_is_restored_with_its_subscription(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        command = asyncio.create_task(client.command("subscribe", streams=["alerts"]))
        await peer.answer(
            "subscribe",
            type="subscription_confirmed",
            positions={"alerts": {"epoch": "e1", "offset": 3, "recovered": False}},
        )
        await command
        await peer.push(type="alert", stream="alerts", epoch="e1", offset=4)
        await client.event("alert", offset=4)
        peer.connection.transport.abort()
        peer = await again(server)
        resumed = await peer.answer(
            "subscribe",
            type="subscription_confirmed",
            positions={"alerts": {"epoch": "e1", "offset": 4, "recovered": True}},
        )
        assert resumed["streams"] == ["alerts"]
        assert resumed["recover"] == {"alerts": {"epoch": "e1", "offset": 4}}
        for offset in (4, 5):
            await peer.push(type="alert", stream="alerts", epoch="e1", offset=offset)
        assert (await client.event("alert"))["offset"] == 5


async def test_a_resume_that_is_refused_for_now_is_tried_again_over_a_new_connection(
    server: FakeServer,
) -> None:
    confirmed = {"type": "subscription_confirmed"}
    async with connected(server) as (client, peer):
        command = asyncio.create_task(client.command("subscribe", streams=["alerts"]))
        start = {"epoch": "e1", "offset": 3, "recovered": False}
        await peer.answer("subscribe", **confirmed, positions={"alerts": start})
        await command
        peer.connection.transport.abort()
        peer = await again(server)
        await peer.answer("subscribe", type="error", code="unavailable", message="Try again.")
        peer = await again(server)
        resumed = await peer.answer(
            "subscribe", **confirmed, positions={"alerts": {**start, "recovered": True}}
        )
        assert resumed["recover"] == {"alerts": {"epoch": "e1", "offset": 3}}
        assert (await client.event("error"))["code"] == "unavailable"
        await peer.push(type="alert", stream="alerts", epoch="e1", offset=4)
        assert (await client.event("alert"))["offset"] == 4


async def test_a_command_under_way_is_lost_and_the_next_waits_for_the_connection(
    server: FakeServer,
) -> None:
    async with connected(server) as (client, peer):
        lost = asyncio.create_task(client.command("ping"))
        await peer.command("ping")
        peer.connection.transport.abort()
        with pytest.raises(ConnectionLostError):
            await lost
        waiting = asyncio.create_task(client.command("ping"))
        peer = await again(server)
        await peer.answer("ping", type="pong")
        assert (await waiting)["type"] == "pong"


async def test_a_draining_server_is_left_alone_for_as_long_as_it_asks(server: FakeServer) -> None:
    loop = asyncio.get_running_loop()
    async with connected(server) as (_, peer):
        await peer.push(type="disconnect", code=1001, reason="drain", retry_after=0.4)
        await peer.close(1001)
        began = loop.time()
        await again(server)
        assert loop.time() - began >= 0.35


async def test_states_are_told_as_they_change(server: FakeServer) -> None:
    states: list[State] = []
    async with connected(server, on_state=states.append) as (client, peer):
        await peer.close(1011)
        await again(server)
        await client.wait_until_live()
    assert states == [
        State.LIVE,
        State.WAITING,
        State.CONNECTING,
        State.LIVE,
        State.CLOSED,
    ]


async def test_a_revoked_session_ends_the_client(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        await peer.close(4500, "revoked")
        with pytest.raises(ConnectionClosedError) as ended:
            async for _ in client:
                pass
        assert ended.value.code == 4500
        with pytest.raises(ConnectionClosedError):
            await client.command("ping")
    assert server.upgrades == 1


async def test_a_normal_close_ends_the_iteration_quietly(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        await peer.push(type="news")
        await peer.close(1000)
        assert [event["type"] async for event in client] == ["connection_established", "news"]


async def test_credentials_refused_on_reconnect_end_the_client(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        server.refuse_with = HTTPStatus.FORBIDDEN
        await peer.close(1011)
        with pytest.raises(AuthenticationError):
            await client.event("never")


async def test_a_server_in_trouble_is_tried_again(server: FakeServer) -> None:
    async with connected(server) as (client, peer):
        server.refuse_with = HTTPStatus.SERVICE_UNAVAILABLE
        await peer.close(1011)
        async with asyncio.timeout(5):
            while server.upgrades < 4:
                await asyncio.sleep(0.01)
        server.refuse_with = None
        await again(server)
        await client.wait_until_live()


async def test_a_server_that_answers_with_retry_after_is_left_alone_for_that_long(
    server: FakeServer,
) -> None:
    loop = asyncio.get_running_loop()
    async with connected(server) as (_, peer):
        server.refuse_with, server.retry_after = HTTPStatus.SERVICE_UNAVAILABLE, "0.4"
        await peer.close(1011)
        async with asyncio.timeout(5):
            while server.upgrades < 2:
                await asyncio.sleep(0.01)
        began, server.refuse_with = loop.time(), None
        await again(server)
        assert loop.time() - began >= 0.35


async def test_a_silent_server_is_given_up_and_connected_to_again(server: FakeServer) -> None:
    client = Client(server.url, uniform=lambda low, high: low)
    opening = asyncio.create_task(client.__aenter__())
    peer = await server.peer()
    await peer.established(silence=0.1)
    await opening
    await again(server)
    await client.close()


async def test_a_reply_does_not_wait_behind_a_full_buffer_and_nothing_is_lost(
    server: FakeServer,
) -> None:
    async with connected(server, buffer=3) as (client, peer):
        for number in range(50):
            await peer.push(type="tick", number=number)
        command = asyncio.create_task(client.command("ping"))
        await peer.answer("ping", type="pong")
        assert (await command)["type"] == "pong"
        events = aiter(client)
        assert (await anext(events))["type"] == "connection_established"
        assert [(await anext(events))["number"] for _ in range(50)] == list(range(50))
        assert client.lost_events == 0


async def test_a_full_buffer_shows_in_the_state_until_half_of_it_is_taken(
    server: FakeServer,
) -> None:
    states: asyncio.Queue[State] = asyncio.Queue()
    async with connected(server, buffer=4, on_state=states.put_nowait) as (client, peer):
        for number in range(8):
            await peer.push(type="tick", number=number)
        async with asyncio.timeout(5):
            assert [await states.get() for _ in range(2)] == [State.LIVE, State.FULL]
        events = aiter(client)
        assert (await anext(events))["type"] == "connection_established"
        assert client.state is State.FULL
        assert [(await anext(events))["number"] for _ in range(8)] == list(range(8))
        async with asyncio.timeout(5):
            while client.state is not State.LIVE:
                await states.get()


async def test_a_command_in_the_loop_over_events_is_answered_however_many_events_there_are(
    server: FakeServer,
) -> None:
    async with connected(server, buffer=2) as (client, peer):

        async def talk() -> None:
            for number in range(20):
                for _ in range(10):
                    await peer.push(type="tick", number=number)
                await peer.answer("ping", type="pong")

        talking = asyncio.create_task(talk())
        answered = 0
        async with asyncio.timeout(10):
            async for event in client:
                if event["type"] == "tick" and answered < 20:
                    assert (await client.command("ping"))["type"] == "pong"
                    answered += 1
                if event.get("number") == 19 and answered == 20:
                    break
        await talking


async def test_what_a_flooded_buffer_cannot_hold_is_requested_again_if_the_server_keeps_it(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pitwall_client.client.BEYOND_BUFFER", 5)
    async with connected(server, buffer=5) as (client, peer):
        command = asyncio.create_task(client.command("subscribe", streams=["alerts"]))
        start = {"epoch": "e1", "offset": 0, "recovered": False}
        confirmed = {"type": "subscription_confirmed"}
        await peer.answer("subscribe", **confirmed, positions={"alerts": start})
        await command
        command = asyncio.create_task(client.command("ping"))
        ping = await peer.command("ping")
        for offset in range(1, 31):
            await peer.push(type="alert", stream="alerts", epoch="e1", offset=offset)
        for _ in range(4):
            await peer.push(type="tick")
        await peer.push(type="pong", id=ping["id"])
        await command
        events = aiter(client)
        heard = [await anext(events) for _ in range(10)]
        resumed = await peer.command("subscribe")
        known = resumed["recover"]["alerts"]["offset"]
        assert known < 30, "not everything fitted"
        await peer.push(
            **confirmed, id=resumed["id"], positions={"alerts": {**start, "recovered": True}}
        )
        for offset in range(known + 1, 32):
            await peer.push(type="alert", stream="alerts", epoch="e1", offset=offset)
        while heard[-1].get("offset") != 31:
            heard.append(await anext(events))
        offsets = [event["offset"] for event in heard if event["type"] == "alert"]
        assert offsets == list(range(1, 32))
        assert client.lost_events == 4, "the ticks are gone, and counted"


async def test_waiting_for_one_type_in_a_full_buffer_passes_over_the_others(
    server: FakeServer,
) -> None:
    async with connected(server, buffer=3) as (client, peer):
        for number in range(20):
            await peer.push(type="tick", number=number)
        await peer.push(type="alert")
        assert await client.event("alert") == {"type": "alert"}
