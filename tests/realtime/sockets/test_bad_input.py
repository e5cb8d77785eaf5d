"""Bad input: the client gets the protocol's answer, and the server logs no error.

Every case ends the same way: no traceback and no error in the log, and other clients are served.
"""

import asyncio
import json
import logging
import threading
import time
import zlib
from contextlib import suppress

import pytest
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from accounts import selectors, services
from accounts.models import Role, WebSocketTicket
from realtime.database import threads
from realtime.fanout.connection import CLOSE_DEADLINE
from realtime.hub import get_hub
from realtime.streams import publish
from realtime.streams.log import StreamKey
from tests.realtime import endpoints
from tests.realtime.endpoints import VALUES
from tests.support.people import make_member, make_workspace


@pytest.fixture(autouse=True)
def log(caplog):
    """Fail the test if a server error was logged."""
    caplog.set_level(logging.INFO)
    yield caplog
    wrong = [
        record
        for phase in ("setup", "call")
        for record in caplog.get_records(phase)
        if (record.exc_info or record.levelno >= logging.ERROR)
        and not record.name.startswith("websockets")
    ]
    assert not wrong, [(record.name, record.getMessage()) for record in wrong]


def raw(client, *frames: Frame | bytes, mask: bool = True) -> None:
    """Write frames unchanged, bypassing the client library's own rules."""
    data = b"".join(
        frame if isinstance(frame, bytes) else frame.serialize(mask=mask) for frame in frames
    )
    client.connection.transport.write(data)


async def serves_others(probe) -> None:
    other = await probe("bob@1")
    assert (await other.command("ping"))["type"] == "pong"


TOO_LONG = json.dumps({"action": "ping", "timestamp": "x" * 65536})
ERRORS = {
    "no JSON": ("hello", "invalid_json"),
    "nothing": ("", "invalid_json"),
    "no object": ("[1]", "invalid_json"),
    "more than one object": ("{} {}", "invalid_json"),
    "nested 10,000 deep": ('{"action": ' + "[" * 10_000 + "]" * 10_000 + "}", "invalid_json"),
    "objects 10,000 deep": ('{"a":' * 10_000 + "1" + "}" * 10_000, "invalid_json"),
    "opened and never closed": ("[" * 60_000, "invalid_json"),
    "NaN": ('{"action": "ping", "timestamp": NaN}', "invalid_json"),
    "infinity": ('{"action": "ping", "timestamp": -Infinity}', "invalid_json"),
    "beyond a float": ('{"action": "ping", "timestamp": 1e400}', "invalid_json"),
    "beyond 2^53": ('{"action": "ping", "id": 9007199254740993}', "invalid_json"),
    "60,000 digits": ('{"action": "ping", "id": ' + "9" * 60_000 + "}", "invalid_json"),
    "duplicate keys": ('{"action": "ping", "action": "close"}', "invalid_json"),
    "duplicate keys inside": (
        '{"action": "subscribe", "recover": {"a": 1, "a": 2}}',
        "invalid_json",
    ),
    "half a surrogate pair": ('{"action": "ping", "id": "\\ud800"}', "invalid_json"),
    "half a pair as a key": ('{"action": "ping", "\\udfff": 1}', "invalid_json"),
    "U+0000": ('{"action": "subscribe", "logs": ["a\\u0000"]}', "invalid_json"),
    "no action": ('{"id": 1}', "invalid_command"),
    "an action that is no string": ('{"action": {}}', "invalid_command"),
    "an id that is no id": ('{"action": "ping", "id": {}}', "invalid_command"),
    "a long id": (json.dumps({"action": "ping", "id": "x" * 65}), "invalid_command"),
    "an unknown action": ('{"action": "fly"}', "unknown_action"),
    "a long unknown action": (json.dumps({"action": "x" * 60_000}), "unknown_action"),
    "an unknown field": ('{"action": "ping", "extra": 1}', "invalid_command"),
    "a wrong type": ('{"action": "subscribe", "names": 1}', "invalid_command"),
    "null for a list": ('{"action": "subscribe", "names": null}', "invalid_command"),
    "binary": (b"\x00", "unsupported_data"),
    "no binary at all": (b"", "unsupported_data"),
}


@pytest.mark.parametrize(("sent", "code"), ERRORS.values(), ids=ERRORS.keys())
async def test_a_bad_frame_gets_an_error_and_the_socket_lives_on(probe, sent, code):
    client = await probe("alice@1")
    await client.send_text(sent)
    assert (await client.event("error"))["code"] == code
    assert (await client.command("ping"))["type"] == "pong"


COMPRESSED = {
    "no zlib": b"\x00" * 100,
    "cut off": zlib.compress(b'{"action": "ping"}')[:-4],
    "followed by more": zlib.compress(b'{"action": "ping"}') + b"more",
    "a bomb": zlib.compress(b" " * 50_000_000),
    "no UTF-8": zlib.compress(b"\xff"),
    "no JSON": zlib.compress(b"hello"),
}


@pytest.mark.parametrize("sent", COMPRESSED.values(), ids=COMPRESSED.keys())
async def test_a_bad_compressed_frame_gets_an_error_and_the_socket_lives_on(probe, sent):
    client = await probe("alice@1", query="?compress=zlib")
    received = client.connection.recv
    for _ in range(2):
        json.loads(zlib.decompress(await received()))
    await client.send_text(sent)
    assert json.loads(zlib.decompress(await received()))["code"] == "invalid_json"
    await client.send_text(zlib.compress(b'{"action": "ping"}'))
    assert json.loads(zlib.decompress(await received()))["type"] == "pong"


FRAGMENT = Frame(Opcode.CONT, b"x" * 1000, fin=False)
CLOSING = {
    "text that is not UTF-8": ([Frame(Opcode.TEXT, b"\xff\xfe")], 1007),
    "a character cut in two": ([Frame(Opcode.TEXT, b"\xf0\x9f")], 1007),
    "not UTF-8 in fragments": (
        [Frame(Opcode.TEXT, b"\xf0", fin=False), Frame(Opcode.CONT, b"abc")],
        1007,
    ),
    "64 KiB and one byte": ([Frame(Opcode.TEXT, b"x" * 65537)], 1009),
    "JSON beyond 64 KiB": ([Frame(Opcode.TEXT, TOO_LONG.encode())], 1009),
    "endless fragments": ([Frame(Opcode.TEXT, b"", fin=False), *[FRAGMENT] * 100], 1009),
    "endless empty fragments": (
        [Frame(Opcode.TEXT, b"", fin=False), *[Frame(Opcode.CONT, b"", fin=False)] * 5000],
        1009,
    ),
    "a deflate bomb nobody agreed on": (
        # FIN and RSV1, masked with zeros.
        [b"\xc1\xfe\x20\x00" + b"\x00" * 4 + zlib.compress(b" " * 10_000_000)[:8192]],
        1002,
    ),
    "a fragment of nothing": ([Frame(Opcode.CONT, b"x")], 1002),
    "a text inside a text": ([Frame(Opcode.TEXT, b"a", fin=False), Frame(Opcode.TEXT, b"b")], 1002),
    "a ping that is too long": ([b"\x89\xfe\x00\x7e" + b"\x00" * 130], 1002),
    "binary again and again": ([Frame(Opcode.BINARY, b"x")] * 5, 1003),
}


@pytest.mark.parametrize(("frames", "code"), CLOSING.values(), ids=CLOSING.keys())
async def test_what_breaks_the_framing_is_closed_with_its_code(probe, frames, code):
    client = await probe("alice@1")
    await client.event("heartbeat")
    raw(client, *frames)
    assert await client.closed() == code
    farewells = [frame for frame in client.frames if frame["type"] == "disconnect"]
    assert [frame["code"] for frame in farewells] == [code]
    assert client.frames[-1] == farewells[0]
    await serves_others(probe)


async def test_the_reason_for_such_a_close_is_told_in_the_format_that_the_client_chose(probe):
    client = await probe("alice@1", query="?compress=zlib")
    raw(client, Frame(Opcode.BINARY, b"x" * 65537))
    told = [json.loads(zlib.decompress(frame))["type"] async for frame in until_closed(client)]
    assert client.connection.close_code == 1009
    assert told[-1] == "disconnect"


async def until_closed(client):
    with suppress(ConnectionClosed):
        while True:
            yield await client.connection.recv()


async def test_such_a_close_waits_for_nobody_who_reads_nothing(probe):
    client = await probe("alice@1", slow=True)
    await client.command("subscribe", names=["cpu"])
    hub = await get_hub()
    [connection] = hub.connections
    while connection.outlet.ready:
        value = {"cpu": "x" * 20_000}
        await threads.call(publish.publish_latest, StreamKey(1, VALUES), value)
    raw(client, Frame(Opcode.TEXT, b"\xff"))
    async with asyncio.timeout(5):
        while hub.connections:
            await asyncio.sleep(0.02)
    await serves_others(probe)


def upgrade_of(probe_server):
    return (
        b"GET /ws/probe/ HTTP/1.1\r\nHost: " + probe_server.encode() + b"\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer alice@1\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )


async def test_who_goes_on_sending_after_such_a_close_is_cut_off_in_two_seconds(
    probe, probe_server
):
    reader, writer = await asyncio.open_connection(*probe_server.split(":"))
    writer.write(upgrade_of(probe_server))
    await reader.readuntil(b"heartbeat_timeout")
    began = time.monotonic()
    writer.write(Frame(Opcode.TEXT, b"\xff").serialize(mask=True))
    with suppress(ConnectionError):
        while time.monotonic() - began < CLOSE_DEADLINE + 3:
            writer.write(b"\xff" * 100_000)
            await writer.drain()
            await asyncio.sleep(0.01)
    assert CLOSE_DEADLINE - 0.5 < time.monotonic() - began < CLOSE_DEADLINE + 1
    writer.close()
    await serves_others(probe)


async def test_nonsense_before_the_upgrade_is_answered_ends_the_connection(
    probe, probe_server, monkeypatch
):
    asked, may_answer = threading.Event(), threading.Event()
    authenticate = endpoints.authenticate

    def slowly(shown):
        asked.set()
        may_answer.wait(10)
        return authenticate(shown)

    monkeypatch.setattr(endpoints, "authenticate", slowly)
    reader, writer = await asyncio.open_connection(*probe_server.split(":"))
    writer.write(upgrade_of(probe_server))
    assert await asyncio.to_thread(asked.wait, 10)
    writer.write(Frame(Opcode.TEXT, b"x" * 70_000).serialize(mask=True))
    with suppress(ConnectionError):
        async with asyncio.timeout(5):
            while await reader.read(4096):
                pass
    writer.close()
    may_answer.set()
    await serves_others(probe)


async def test_a_frame_without_a_mask_is_closed_with_1002(probe):
    client = await probe("alice@1")
    await client.event("heartbeat")
    raw(client, Frame(Opcode.TEXT, b"{}"), mask=False)
    assert await client.closed() == 1002
    await serves_others(probe)


async def test_what_comes_after_a_frame_that_closed_the_socket_is_not_run(probe):
    client = await probe("alice@1")
    await client.event("heartbeat")
    ping = Frame(Opcode.TEXT, b'{"action": "ping"}')
    raw(client, Frame(Opcode.TEXT, b"\xff"), ping, ping)
    assert await client.closed() == 1007
    assert "pong" not in [frame["type"] for frame in client.frames]


async def test_a_client_that_is_cut_off_in_the_middle_of_a_frame_disturbs_nobody(probe):
    client = await probe("alice@1")
    await client.event("heartbeat")
    client.connection.transport.write(Frame(Opcode.TEXT, b"x" * 100).serialize(mask=True)[:20])
    client.connection.transport.abort()
    await serves_others(probe)


async def test_a_flood_is_refused_and_then_closed_with_4013(probe, limits):
    limits["max_refused_commands"] = 20
    client = await probe("alice@1")
    for _ in range(400):
        await client.send({"action": "ping"})
    assert await client.closed() == 4013
    codes = [frame.get("code") for frame in client.frames]
    assert "rate_limited" in codes
    await serves_others(probe)


@pytest.mark.parametrize(
    "origin", ["https://{address}", "http://localhost:{port}", "http://127.0.0.1:1", "null"]
)
async def test_another_scheme_host_or_port_gets_403(probe, probe_server, origin):
    port = probe_server.rpartition(":")[2]
    with pytest.raises(InvalidStatus) as refused:
        await probe("alice@1", Origin=origin.format(address=probe_server, port=port))
    assert refused.value.response.status_code == 403
    await serves_others(probe)


async def test_no_authentication_in_time_is_closed_with_1008(probe, limits):
    limits["authenticate_within"] = 0.5
    client = await probe()
    assert await client.closed() == 1008
    await serves_others(probe)


@pytest.mark.parametrize(
    "token", ["nobody", "pw_nothing", "e30.e30.e30", "x" * 4096, "\u00e9\u4e2d"]
)
async def test_a_wrong_token_is_closed_with_1008(connect, token):
    client = await connect()
    await client.send({"action": "authenticate", "token": token})
    assert await client.closed() == 1008


async def issued() -> str:
    def issue() -> str:
        user = make_member(make_workspace("pit"), Role.MEMBER, "alice")
        return services.issue_ticket(principal=selectors.principal_of(user, "pit")).ticket

    return await threads.call(issue)


async def test_a_reused_ticket_is_closed_with_1008(connect):
    ticket = await issued()
    first = await connect(ticket=ticket)
    assert (await first.event("connection_established"))["user"]["username"] == "alice"
    again = await connect(ticket=ticket)
    assert await again.closed() == 1008
    assert (await first.command("ping"))["type"] == "pong"


async def test_an_expired_ticket_is_closed_with_1008(connect):
    ticket = await issued()
    await threads.call(WebSocketTicket.objects.update, expires_at=timezone.now())
    assert await (await connect(ticket=ticket)).closed() == 1008


@pytest.mark.parametrize(
    "query",
    [{"ticket": "\0"}, {"ticket": "x" * 3000}, {"workspace": "\0"}, {"workspace": "🏁"}],
)
async def test_nonsense_in_the_query_is_no_error_of_ours(connect, query):
    client = await connect(**query)
    greeting = await client.next()
    assert greeting["user"] is None
