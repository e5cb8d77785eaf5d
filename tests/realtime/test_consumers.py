"""The life of a socket, as its client sees it (docs/protocol/)."""

import asyncio
import json
import time

import pytest
from websockets.exceptions import InvalidStatus

from realtime import auth
from realtime.database import threads
from realtime.hub import get_hub
from realtime.protocol import rfc3339


async def test_a_connection_is_greeted_with_what_it_needs_to_know(probe):
    client = await probe("alice@1")
    greeting = await client.next()
    assert greeting["type"] == "connection_established"
    assert greeting["user"]["username"] == "alice"
    assert greeting["workspace"] == "w1"
    assert greeting["protocol"] == 1
    assert greeting["max_frame_bytes"] == 65536
    assert 10 <= greeting["heartbeat_interval"] <= 30
    assert greeting["heartbeat_timeout"] == 45
    assert "authenticate_within" not in greeting
    heartbeat = await client.next()
    assert heartbeat["type"] == "heartbeat"
    assert heartbeat["offsets"] == {}


async def test_two_connections_have_different_client_ids(probe):
    first, second = await probe("alice@1"), await probe("alice@1")
    names = {(await client.next())["client_id"] for client in (first, second)}
    assert len(names) == 2


async def test_ping_is_answered_with_pong_and_its_id(probe):
    client = await probe("alice@1")
    pong = await client.command("ping")
    assert pong["type"] == "pong"
    assert pong["timestamp"] <= rfc3339(time.time())


async def test_type_is_read_as_action(probe):
    client = await probe("alice@1")
    await client.send({"type": "ping", "id": "a"})
    assert (await client.event("pong"))["id"] == "a"


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ("hello", "invalid_json", None),
        ("[1]", "invalid_json", None),
        ('{"action": "ping", "action": "ping"}', "invalid_json", None),
        ('{"action": "ping", "timestamp": NaN}', "invalid_json", None),
        ('{"action": "ping", "timestamp": 1e400}', "invalid_json", None),
        ('{"action": "ping", "timestamp": 9007199254740993}', "invalid_json", None),
        ('{"action": ' + "[" * 10_000 + "]" * 10_000 + "}", "invalid_json", None),
        ('{"id": 1}', "invalid_command", "action"),
        ('{"action": "ping", "id": 1.5}', "invalid_command", "id"),
        ('{"action": "ping", "id": true}', "invalid_command", "id"),
        ('{"action": "fly"}', "unknown_action", None),
        ('{"action": "ping", "extra": 1}', "invalid_command", "extra"),
        ('{"action": "fail"}', "invalid_command", "how"),
        ('{"action": "subscribe", "names": [1]}', "invalid_command", "names[0]"),
        (b"\x00", "unsupported_data", None),
    ],
)
async def test_bad_input_gets_an_error_and_the_socket_lives_on(probe, sent, code, field):
    client = await probe("alice@1")
    await client.send_text(sent)
    error = await client.event("error")
    assert error["code"] == code
    if field is not None:
        assert list(error["errors"]) == [field]
    assert (await client.command("ping"))["type"] == "pong"


async def test_an_error_of_a_service_carries_the_id_of_its_command(probe):
    client = await probe("alice@1")
    error = await client.command("fail", how="known")
    assert error["type"] == "error"
    assert error["code"] == "not_found"
    assert error["errors"] == {"how": ["unknown"]}


async def test_a_bug_is_told_as_internal_and_the_socket_lives_on(probe):
    client = await probe("alice@1")
    assert (await client.command("fail", how="bug"))["code"] == "internal"
    assert (await client.command("ping"))["type"] == "pong"


async def test_a_flood_of_commands_is_told_when_to_go_on(probe, limits):
    limits["command_burst"], limits["commands_per_second"] = 3, 1
    client = await probe("alice@1")
    for _ in range(4):
        await client.send({"action": "ping"})
    error = await client.event("error")
    assert error["code"] == "rate_limited"
    assert 0 < error["retry_after"] <= 1


async def test_an_anonymous_connection_can_only_say_who_it_is(probe):
    client = await probe()
    greeting = await client.next()
    assert greeting["user"] is None
    assert greeting["authenticate_within"] == 30
    assert (await client.command("subscribe"))["code"] == "unauthenticated"
    assert (await client.command("ping"))["type"] == "pong"
    success = await client.command("authenticate", token="bob@2")
    assert success["type"] == "auth_success"
    assert success["username"] == "bob"
    assert (await client.command("subscribe"))["type"] == "subscription_confirmed"


async def test_the_first_frame_may_be_the_token_alone(probe):
    client = await probe()
    await client.send({"token": "bob@2", "channels": ["ops"]})
    assert (await client.event("auth_success"))["username"] == "bob"


async def test_a_wrong_token_in_the_first_frame_closes_with_1008(probe):
    client = await probe()
    await client.send({"action": "authenticate", "token": "nobody"})
    assert await client.closed() == 1008
    assert client.frames[-1]["type"] == "disconnect"


async def test_wrong_credentials_in_the_upgrade_close_with_1008(probe):
    client = await probe("nobody")
    assert await client.closed() == 1008


async def test_whoever_says_nothing_in_time_is_closed_with_1008(probe, limits):
    limits["authenticate_within"] = 0.5
    client = await probe()
    assert await client.closed() == 1008


async def test_silence_beyond_the_time_out_is_closed_with_4012(probe, limits):
    limits["heartbeat_timeout"] = 0.5
    client = await probe("alice@1")
    assert await client.closed() == 4012


async def test_close_is_closed_with_1000(probe):
    client = await probe("alice@1")
    await client.send({"action": "close"})
    assert await client.closed() == 1000


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://{address}",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "null",
        "http://[",
    ],
)
async def test_a_page_of_another_origin_may_not_connect(probe, probe_server, origin):
    port = probe_server.rpartition(":")[2]
    with pytest.raises(InvalidStatus) as refused:
        await probe("alice@1", Origin=origin.format(address=probe_server, port=port))
    assert refused.value.response.status_code == 403


async def test_the_own_origin_and_listed_ones_may_connect(probe, probe_server, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://wall.example"]
    for origin in (f"http://{probe_server}", "https://wall.example"):
        client = await probe("alice@1", Origin=origin)
        assert (await client.next())["type"] == "connection_established"


async def test_pages_of_an_address_that_a_proxy_hides_may_connect(probe, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://pitwall.example:8443"]
    client = await probe("alice@1", Origin="https://pitwall.example:8443")
    assert (await client.next())["type"] == "connection_established"
    for near in ("http://pitwall.example:8443", "https://pitwall.example", "https://example:8443"):
        with pytest.raises(InvalidStatus) as refused:
            await probe("alice@1", Origin=near)
        assert refused.value.response.status_code == 403


async def test_an_unknown_endpoint_is_not_found(probe_server):
    from tests.support.sockets import SocketClient

    with pytest.raises(InvalidStatus) as refused:
        await SocketClient.open(f"ws://{probe_server}/ws/nowhere/")
    assert refused.value.response.status_code == 404


async def test_a_revoked_session_closes_its_sockets_and_no_other(probe):
    mine = await probe(Cookie="sessionid=alice@1")
    other = await probe("alice@1")
    for client in (mine, other):
        await client.event("heartbeat")
    await threads.call(auth.revoke, session_key="alice@1")
    assert await mine.closed() == 4500
    assert (await other.command("ping"))["type"] == "pong"


async def test_a_session_revoked_while_its_socket_opens_is_closed(probe, monkeypatch):
    """The session is found valid, then revoked and announced; then the socket is registered."""
    hub = await get_hub()
    look_up = hub.logins._look_up

    async def revoked_meanwhile(shown):
        found = await look_up(shown)
        await threads.call(auth.revoke, session_key="alice@1")
        async with asyncio.timeout(5):
            while not hub.revocations._recent:
                await asyncio.sleep(0.01)
        return found

    monkeypatch.setattr(hub.logins, "_look_up", revoked_meanwhile)
    client = await probe(Cookie="sessionid=alice@1")
    assert await client.closed() == 4500


async def test_a_user_whose_rights_changed_is_asked_to_come_back(probe):
    client = await probe("alice@1")
    await client.event("heartbeat")
    await threads.call(auth.reauthorize, user_id=sum(b"alice"), workspace_id=1)
    assert await client.closed() == 4010


async def test_a_frame_beyond_the_cap_is_closed_with_1009(probe):
    client = await probe("alice@1")
    await client.send_text(json.dumps({"action": "ping", "timestamp": "x" * 65536}))
    assert await client.closed() == 1009


async def test_many_commands_at_once_are_answered_in_order(probe):
    client = await probe("alice@1")
    for number in range(50):
        await client.send({"action": "ping", "id": number})
    replies = [(await client.event("pong"))["id"] for _ in range(50)]
    assert replies == list(range(50))
