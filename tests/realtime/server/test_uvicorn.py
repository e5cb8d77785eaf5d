"""Our server: the parts of uvicorn that it uses exist, and it stops in time with any clients."""

import asyncio
import inspect
import time

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.server import ServerProtocol

from realtime.database import threads
from realtime.fanout.connection import CLOSE_DEADLINE
from realtime.hub import get_hub
from realtime.server.websocket import FanoutProtocol
from realtime.sockets.admission import admit
from realtime.streams import publish
from realtime.streams.log import StreamKey
from tests.realtime import endpoints
from tests.realtime.endpoints import VALUES
from tests.support.server import serving
from tests.support.sockets import SocketClient


def test_uvicorn_still_has_what_the_raw_write_leans_on():
    source = inspect.getsource(WebSocketsSansIOProtocol)
    for attribute in (
        "self.writable = asyncio.Event()",
        "self.close_sent",
        "self.disconnected",
        "self.transport: asyncio.Transport",
        "self.scope: WebSocketScope",
        "self.frames: list[bytes]",
        "self.curr_msg_data_type",
        "def handle_cont(self, event: Frame)",
        "def send_receive_event_to_app(self)",
        "def handle_parser_exception(self)",
        "self.conn = ServerProtocol(",
        "if self.conn.parser_exc is not None:",
        "self.close_timer: TimerHandle | None",
        "if self.close_timer is None:\n            self.transport.close()",
        "self.read_paused",
        "self.queue.put_nowait(",
    ):
        assert attribute in source, attribute
    assert issubclass(FanoutProtocol, WebSocketsSansIOProtocol)
    assert "self.send_frame(pong_frame)" in inspect.getsource(ServerProtocol.recv_frame)
    handle_connect = inspect.getsource(WebSocketsSansIOProtocol.handle_connect)
    # The scope may be extended after handle_connect only if the application is not running yet.
    assert "create_task(self.run_asgi())" in handle_connect


def test_uvicorn_still_has_what_the_limits_of_http_lean_on():
    source = inspect.getsource(HttpToolsProtocol)
    for attribute in (
        "self.flow = FlowControl(transport)",
        "self.flow.pause_reading()\n            self.pipeline.appendleft(",
        "on_response=self.on_response_complete",
        "existing_cycle is None or existing_cycle.response_complete",
        "def on_header(self, name: bytes, value: bytes)",
        "def send_400_response(self, msg: str)",
        "def handle_websocket_upgrade(self)",
        "def _unset_keepalive_if_required(self)",
        "self.parser = None",
    ):
        assert attribute in source, attribute
    for attribute in ("self.disconnected", "self.message_event", "self.response_started"):
        assert attribute in inspect.getsource(RequestResponseCycle)
    assert "if counter % 10 == 0" in inspect.getsource(uvicorn.Server.on_tick)


async def test_a_stopping_server_tells_its_clients_when_to_come_back(transactional_db, settings):
    settings.REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
    async with serving(endpoints.application) as address:
        client = await SocketClient.open(f"ws://{address}/ws/probe/")
        await client.event("heartbeat")
        closing = asyncio.create_task(client.closed())
    assert await closing == 1001
    farewell = client.frames[-1]
    assert farewell["type"] == "disconnect"
    assert farewell["code"] == 1001
    assert 0.5 <= farewell["retry_after"] <= 3


async def test_clients_that_read_nothing_do_not_hold_up_the_end(probe_server, probe):
    clients = [await probe("alice@1", slow=True) for _ in range(5)]
    for client in clients:
        await client.command("subscribe", names=["cpu"])
    for _ in range(300):
        value = {"cpu": "x" * 20_000}
        await threads.call(publish.publish_latest, StreamKey(1, VALUES), value)
    hub = await get_hub()
    began = time.monotonic()
    async with asyncio.timeout(10):
        await hub.roster.drain(within=2)
    assert time.monotonic() - began < 4.5
    async with asyncio.timeout(4):
        while hub.connections:
            await asyncio.sleep(0.05)


async def test_slow_clients_do_not_hold_up_the_farewell_of_others(probe_server, probe):
    slow = [await probe("alice@1", slow=True) for _ in range(2)]
    for client in slow:
        await client.command("subscribe", names=["cpu"])
    hub = await get_hub()
    async with asyncio.timeout(10):
        while any(connection.outlet.ready for connection in hub.connections):
            value = {"cpu": "x" * 20_000}
            await threads.call(publish.publish_latest, StreamKey(1, VALUES), value)
    reader = await probe("bob@1")
    draining = asyncio.create_task(hub.roster.drain(within=0.2, batch=1))
    assert await reader.closed(within=CLOSE_DEADLINE) == 1001
    assert "retry_after" in reader.frames[-1]
    await draining


async def test_whoever_comes_in_while_the_server_drains_is_sent_away_too(probe, monkeypatch):
    async def just_before(hub, place, shown):
        found = await admit(hub, place, shown)
        hub.roster.draining = True
        return found

    monkeypatch.setattr("realtime.sockets.lifecycle.admit", just_before)
    client = await probe("alice@1")
    assert await client.closed() == 1001
    assert client.frames[-1]["retry_after"] > 0


async def test_the_server_stops_cleanly_while_a_peer_closes_that_reads_nothing(
    transactional_db, settings, caplog
):
    settings.REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
    async with serving(endpoints.application) as address:
        url = f"ws://{address}/ws/probe/"
        client = await SocketClient.open(url, {"Authorization": "Bearer alice@1"}, slow=True)
        await client.command("subscribe", names=["cpu"])
        hub = await get_hub()
        [connection] = hub.connections
        while connection.outlet.ready:
            value = {"cpu": "x" * 20_000}
            await threads.call(publish.publish_latest, StreamKey(1, VALUES), value)
        client.say_goodbye()
        async with asyncio.timeout(5):
            while hub.connections:
                await asyncio.sleep(0.01)
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_peer_that_never_answers_a_close_is_let_go_in_two_seconds(probe_server):
    reader, writer = await asyncio.open_connection(*probe_server.split(":"))
    writer.write(
        b"GET /ws/probe/ HTTP/1.1\r\nHost: " + probe_server.encode() + b"\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer alice@1\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await reader.readuntil(b"heartbeat_timeout")
    hub = await get_hub()
    [connection] = hub.connections
    began = time.monotonic()
    await connection.close(1000)
    async with asyncio.timeout(5):
        while await reader.read(4096):
            pass
    assert time.monotonic() - began < CLOSE_DEADLINE + 1
    writer.close()
