"""Both outlets: the raw write of our server, and the ordinary send of any other."""

import asyncio
import json
import zlib

import pytest
from channels.testing import WebsocketCommunicator
from websockets.asyncio.client import connect

from realtime.auth import authenticator
from realtime.database import threads
from realtime.hub import get_hub, stop_hub
from realtime.streams import publish
from realtime.streams.log import StreamKey
from tests.realtime.endpoints import VALUES, application
from tests.realtime.test_hub import note
from tests.support.sockets import SocketClient

pytestmark = pytest.mark.django_db(transaction=True)

# The Redis layer looks for its first subscription only once a second.
WITHIN = 10


async def test_on_another_server_the_same_frames_arrive(settings):
    settings.REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
    authenticator.cache_clear()
    headers = [(b"authorization", b"Bearer alice@1")]
    client = WebsocketCommunicator(application, "/ws/probe/", headers)
    try:
        connected, _ = await client.connect(timeout=WITHIN)
        assert connected
        assert (await client.receive_json_from(timeout=WITHIN))["type"] == "connection_established"
        assert (await client.receive_json_from(timeout=WITHIN))["type"] == "heartbeat"
        await client.send_json_to({"action": "subscribe", "logs": ["room:ops"], "names": ["cpu"]})
        assert (await client.receive_json_from(timeout=WITHIN))["type"] == "subscription_confirmed"
        await threads.call(note, "hello")
        assert (await client.receive_json_from(timeout=WITHIN))["text"] == "hello"
        await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": 1})
        assert (await client.receive_json_from(timeout=WITHIN))["values"] == {"cpu": 1}
    finally:
        await client.disconnect()
        await stop_hub()
        authenticator.cache_clear()


async def test_on_another_server_a_peer_that_takes_nothing_is_let_go_all_the_same(settings):
    settings.REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
    authenticator.cache_clear()
    headers = [(b"authorization", b"Bearer alice@1")]
    scope = WebsocketCommunicator(application, "/ws/probe/", headers).scope
    coming = iter([{"type": "websocket.connect"}])

    async def receive():
        return next(coming, None) or await asyncio.Event().wait()

    async def send(message):
        if message["type"] == "websocket.send":
            await asyncio.Event().wait()

    running = asyncio.create_task(application(scope, receive, send))
    hub = await get_hub()
    try:
        async with asyncio.timeout(WITHIN):
            while not hub.connections:
                await asyncio.sleep(0.01)
            [connection] = hub.connections
            await connection.close(4500, "This session has ended.")
        ended, _ = await asyncio.wait({running}, timeout=1)
        assert ended
        assert not hub.connections
    finally:
        running.cancel()
        await stop_hub()
        authenticator.cache_clear()


async def test_who_does_not_read_gets_the_newest_value_and_delays_nobody(probe):
    """The lagging client skips values; when it reads again, it ends with the newest one."""
    slow, quick = await probe("alice@1", slow=True), await probe("bob@1")
    for client in (slow, quick):
        await client.command("subscribe", names=["cpu"])
    ticks = 200
    for number in range(ticks):
        value = {"number": number, "padding": "x" * 20_000}
        await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": value})
        assert (await quick.event("tick"))["values"]["cpu"]["number"] == number
    seen = []
    while not seen or seen[-1] < ticks - 1:
        seen.append((await slow.event("tick"))["values"]["cpu"]["number"])
    assert len(seen) < ticks
    assert seen == sorted(seen)


async def test_that_somebody_does_not_read_shows_before_the_kernel_has_taken_a_megabyte(probe):
    client = await probe("alice@1", slow=True)
    await client.command("subscribe", names=["cpu"])
    hub = await get_hub()
    [connection] = hub.connections
    size = 20_000
    async with asyncio.timeout(10):
        while connection.outlet.ready:
            before, value = connection.frames_out, {"cpu": "x" * size}
            await threads.call(publish.publish_latest, StreamKey(1, VALUES), value)
            while connection.outlet.ready and connection.frames_out == before:
                await asyncio.sleep(0.001)
    assert connection.frames_out * size < 1_000_000


async def test_who_does_not_read_misses_no_event_of_a_log(probe):
    slow, quick = await probe("alice@1", slow=True), await probe("bob@1")
    for client in (slow, quick):
        await client.command("subscribe", logs=["room:ops"])
    sent = [f"{number} {'x' * 20_000}" for number in range(200)]
    for text in sent:
        await threads.call(note, text)
    for client in (quick, slow):
        assert [(await client.event("note"))["text"] for _ in sent] == sent


async def test_a_follower_of_a_log_without_progress_is_closed_with_4008(probe, limits):
    limits["slow_consumer_timeout"] = 0.5
    client = await probe("alice@1", slow=True)
    await client.command("subscribe", logs=["room:ops"])
    for _ in range(4):
        await threads.call(note, *["x" * 60_000 for _ in range(50)])
    hub = await get_hub()
    async with asyncio.timeout(8):
        while any(not connection.closing for connection in hub.connections):
            await asyncio.sleep(0.05)
        # A peer that reads nothing never answers the close: the server releases it anyway.
        while hub.connections:
            await asyncio.sleep(0.05)


async def test_a_client_that_asks_for_it_is_sent_and_sends_compressed_frames(probe_server):
    url = f"ws://{probe_server}/ws/probe/?compress=zlib"
    headers = {"Authorization": "Bearer alice@1"}
    async with connect(url, additional_headers=headers, compression=None) as client:
        greeting = json.loads(zlib.decompress(await client.recv()))
        assert greeting["type"] == "connection_established"
        await client.recv()
        await client.send(zlib.compress(json.dumps({"action": "ping", "id": 1}).encode()))
        assert json.loads(zlib.decompress(await client.recv()))["id"] == 1
        await client.send(zlib.compress(b"x" * 70_000))
        assert json.loads(zlib.decompress(await client.recv()))["code"] == "invalid_json"


async def test_what_is_ready_together_comes_as_a_batch_for_who_asked_and_apart_for_others(
    probe_server,
):
    headers = {"Authorization": "Bearer alice@1"}
    url = f"ws://{probe_server}/ws/probe/"
    batching = await SocketClient.open(f"{url}?batch=1", headers)
    plain = await SocketClient.open(url, headers)
    for client in (batching, plain):
        await client.command("subscribe", logs=["room:ops"])
    await threads.call(note, *"abc")
    batch = await batching.event("batch_messages")
    assert batch["count"] == 3
    assert [event["text"] for event in batch["messages"]] == ["a", "b", "c"]
    assert [(await plain.event("note"))["text"] for _ in range(3)] == ["a", "b", "c"]
    for client in (batching, plain):
        await client.close()
