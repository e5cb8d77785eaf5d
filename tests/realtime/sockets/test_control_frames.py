"""Pings and pongs of the WebSocket layer: they are life, they are limited, they fill no memory."""

import asyncio
import contextlib
import time

import httpx
import pytest
from websockets.frames import Frame, Opcode

from realtime.hub import get_hub
from tests.realtime.endpoints import ProbeConsumer
from tests.support import raw
from tests.support.raw import MEGABYTE

PING = Frame(Opcode.PING, b"x" * 125).serialize(mask=True)
PONG = Frame(Opcode.PONG, b"").serialize(mask=True)
TEXT = Frame(Opcode.TEXT, b"{}").serialize(mask=True)


def patient(limits):
    """Take away the limit on commands, which would end a flood before it fills anything."""
    limits["command_burst"] = limits["max_refused_commands"] = 10**9


async def upgraded(address, **options):
    sock = raw.connected(address, **options)
    sock.sendall(raw.upgrade(address))
    hub = await get_hub()
    async with asyncio.timeout(5):
        while not hub.connections:
            await asyncio.sleep(0.01)
    return sock


@pytest.mark.parametrize("frame", [PING, PONG, TEXT], ids=["pings", "pongs", "commands"])
async def test_a_peer_that_sends_and_never_reads_fills_no_memory(probe_server, limits, frame):
    patient(limits)
    with contextlib.closing(await upgraded(probe_server, deaf=True)) as sock:
        await raw.pour(sock, frame * 500, MEGABYTE)  # whatever grows once has grown
        with raw.grows_by_at_most(12):
            sent = await raw.pour(sock, frame * 500, 48 * MEGABYTE, within=4)
        assert sent > 4 * MEGABYTE or frame == TEXT


async def test_frames_that_wait_for_their_turn_wait_as_bytes(probe_server, monkeypatch):
    busy = asyncio.Event()

    async def take(*_):
        await busy.wait()

    monkeypatch.setattr(ProbeConsumer, "take", take)
    socks = [await upgraded(probe_server) for _ in range(20)]
    with raw.grows_by_at_most(30):
        for sock in socks:
            await raw.pour(sock, TEXT * 30_000, 1)
        # What was sent has been received once the server answers somebody else.
        async with httpx.AsyncClient(base_url=f"http://{probe_server}") as client:
            assert (await client.get("/healthz")).status_code == 200
    busy.set()
    for sock in socks:
        sock.close()


@pytest.mark.parametrize("kind", ["ping", "pong"])
async def test_pings_without_end_are_closed_with_4013(probe, limits, kind):
    limits["max_refused_commands"] = 20
    client = await probe("alice@1")
    await client.event("heartbeat")
    client.connection.transport.write((PING if kind == "ping" else PONG) * 400)
    assert await client.closed() == 4013
    farewell = client.frames[-1]
    assert (farewell["type"], farewell["code"]) == ("disconnect", 4013)
    assert farewell["retry_after"] > 0


async def test_pings_take_from_the_commands_of_the_connection(probe, limits):
    limits["command_burst"], limits["commands_per_second"] = 10, 0.1
    client = await probe("alice@1")
    await client.event("heartbeat")
    client.connection.transport.write(PING * 10)
    refused = await client.command("ping")
    assert refused["code"] == "rate_limited"


async def test_a_ping_gets_its_pong_and_is_life(probe, limits):
    client = await probe("alice@1")
    await client.event("heartbeat")
    [connection] = (await get_hub()).connections
    connection.heard_at = 0
    await asyncio.wait_for(await client.connection.ping(b"still there?"), 5)
    assert connection.heard_at > 0


async def test_who_only_pings_is_not_taken_for_silent(probe, limits):
    limits["heartbeat_timeout"] = 1.5
    client = await probe("alice@1")
    until = time.monotonic() + 4
    while time.monotonic() < until:
        await asyncio.wait_for(await client.connection.ping(), 5)
        await asyncio.sleep(0.2)
    assert (await client.command("ping"))["type"] == "pong"


async def test_a_peer_that_reads_again_gets_the_pong_of_its_newest_ping(probe, limits):
    patient(limits)
    client = await probe("alice@1", slow=True)
    await client.command("subscribe", names=["cpu"])
    [connection] = (await get_hub()).connections
    filler = {"action": "echo"}
    client.connection.transport.pause_reading()
    while connection.outlet.ready:
        await client.send(filler)
        await client.send_text("x" * 60_000)
        await asyncio.sleep(0.005)
    newest = None
    for number in range(50):
        newest = await client.connection.ping(str(number))
    client.connection.transport.resume_reading()

    async def read():
        while True:
            await client.connection.recv()

    reading = asyncio.create_task(read())
    await asyncio.wait_for(newest, 5)
    reading.cancel()


async def test_pings_before_the_upgrade_is_answered_end_the_connection(probe_server, monkeypatch):
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly(*_):
        asked.set()
        await may_answer.wait()
        raise AssertionError("the connection has ended by now")

    monkeypatch.setattr("realtime.sockets.lifecycle.admit", slowly)
    with contextlib.closing(raw.connected(probe_server)) as sock:
        sock.sendall(raw.upgrade(probe_server))
        await asyncio.wait_for(asked.wait(), 5)
        await raw.pour(sock, PING, len(PING) * 100)
        assert await raw.answer(sock) == b""
