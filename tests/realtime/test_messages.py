"""The commands that every endpoint accepts, and pushes to users (docs/protocol/common.md)."""

import asyncio
import json
import time
import zlib
from itertools import pairwise

import pytest
from django.db import transaction

from realtime import pushes
from realtime.database import threads
from realtime.hub import get_hub

ALICE = sum(b"alice")


async def test_after_echo_the_next_frame_comes_back_as_it_is(probe):
    client = await probe("alice@1")
    await client.event("heartbeat")
    for sent in ('{"action":"ping",  "id":1}', "no JSON \U0001f3c1", b"\x00\xff\x80", b""):
        await client.send({"action": "echo"})
        await client.send_text(sent)
        assert await client.connection.recv() == sent
    assert (await client.command("ping"))["type"] == "pong"


async def test_an_echo_is_not_compressed_and_stands_in_its_order(probe):
    client = await probe("alice@1", query="?compress=zlib")
    for _ in range(2):
        await client.connection.recv()
    for sent in ('{"action":"ping",  "id":1}', "no JSON", b"\x00\xff"):
        for command in (b'{"action": "ping"}', b'{"action": "echo"}'):
            await client.send_text(zlib.compress(command))
        await client.send_text(sent)
        await client.send_text(zlib.compress(b'{"action": "heartbeat"}'))
        pong, echo, acknowledgement = [await client.connection.recv() for _ in range(3)]
        assert json.loads(zlib.decompress(pong))["type"] == "pong"
        assert echo == sent
        assert json.loads(zlib.decompress(acknowledgement))["type"] == "heartbeat_ack"


async def test_the_time_of_the_server_can_be_requested(probe):
    client = await probe("alice@1")
    reply = await client.command("request_data", request="server_time")
    assert reply["type"] == "data_response"
    assert reply["request"] == "server_time"
    assert reply["data"]["server_time"] <= reply["timestamp"]


async def test_a_connection_can_be_asked_about_itself(probe):
    client = await probe("alice@1", User_Agent="probe/1")
    greeting = await client.event("connection_established")
    await client.command("subscribe", logs=["room:ops"], names=["cpu"])
    heartbeat = await client.event("heartbeat")
    await client.send({"action": "heartbeat_ack", "timestamp": heartbeat["timestamp"]})
    reply = await client.command("request_data", request="connection")
    data = reply["data"]
    assert data["client_id"] == greeting["client_id"]
    assert data["user"] == {"id": ALICE, "username": "alice"}
    assert data["subscriptions"] == ["room:ops", "values"]
    assert data["frames_in"] == 3
    assert data["frames_out"] == 3
    assert data["address"] == "127.0.0.1"
    assert data["user_agent"] == "probe/1"
    assert data["endpoint"] == "/ws/probe/"
    assert 0 < data["commands_remaining"] < 120


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"request": "nothing"}, "request"),
        ({}, "request"),
        ({"request": "time", "interval": 0.01}, "interval"),
        ({"request": "time", "interval": 1e6}, "interval"),
        ({"request": "server_time", "interval": 1}, "interval"),
    ],
)
async def test_what_cannot_be_requested_is_told_by_field(probe, fields, field):
    client = await probe("alice@1")
    error = await client.command("request_data", **fields)
    assert error["code"] == "invalid_command"
    assert list(error["errors"]) == [field]


async def test_the_time_is_told_again_each_interval(probe):
    client = await probe("alice@1")
    first = await client.command("request_data", request="time", interval=0.1)
    assert first["type"] == "time_update"
    updates = [await client.event("time_update") for _ in range(3)]
    assert all("id" not in update for update in updates)
    readings = [update["data"]["epoch_seconds"] for update in (first, *updates)]
    assert all(later - earlier > 0.05 for earlier, later in pairwise(readings))


async def test_a_connection_has_one_clock(probe):
    client = await probe("alice@1")
    await client.command("request_data", request="time", interval=0.1)
    await client.command("request_data", request="time", interval=3600)
    client.frames.clear()
    with pytest.raises(TimeoutError):
        await client.next(within=0.4)


async def test_a_connection_follows_so_many_streams_and_no_more(probe, limits):
    limits["max_subscriptions"] = 3
    client = await probe("alice@1")
    await client.command("subscribe", logs=["a", "b"], names=["cpu"])
    error = await client.command("subscribe", logs=["c"])
    assert error["code"] == "too_many_subscriptions"
    again = await client.command("subscribe", logs=["a"], names=["memory"])
    assert again["type"] == "subscription_confirmed"
    await client.command("unsubscribe", logs=["a"])
    assert (await client.command("subscribe", logs=["c"]))["type"] == "subscription_confirmed"
    await client.command("unsubscribe", names=["memory"])
    await client.command("subscribe", logs=["d"])
    assert (await client.command("subscribe", names=["cpu"]))["code"] == "too_many_subscriptions"


async def test_a_refused_command_of_a_flood_is_named_and_told_when_to_go_on(probe, limits):
    limits["command_burst"], limits["commands_per_second"] = 2, 1
    client = await probe("alice@1")
    for number in range(3):
        await client.send({"action": "ping", "id": f"n{number}"})
    error = await client.event("error")
    assert error["code"] == "rate_limited"
    assert error["id"] == "n2"
    assert error["remaining"] == 0
    await asyncio.sleep(error["retry_after"])
    assert (await client.command("ping"))["type"] == "pong"


async def test_who_goes_on_flooding_is_closed_with_4013(probe, limits):
    limits["command_burst"], limits["commands_per_second"] = 2, 1
    limits["max_refused_commands"] = 5
    client = await probe("alice@1")
    for _ in range(10):
        await client.send({"action": "ping"})
    assert await client.closed() == 4013
    kinds = [frame["type"] for frame in client.frames]
    assert kinds.count("error") == 5
    farewell = client.frames[-1]
    assert (farewell["type"], farewell["code"]) == ("disconnect", 4013)
    assert 1 <= farewell["retry_after"] <= 2


async def test_binary_frames_are_refused_and_then_closed_with_1003(probe):
    client = await probe("alice@1")
    for _ in range(4):
        await client.send_text(b"\x00")
        assert (await client.event("error"))["code"] == "unsupported_data"
    assert (await client.command("ping"))["type"] == "pong"
    await client.send_text(b"\x00")
    assert await client.closed() == 1003


async def test_a_user_message_reaches_all_sockets_of_its_user_and_no_other(probe):
    mine, elsewhere, bob = await probe("alice@1"), await probe("alice@2"), await probe("bob@1")
    anonymous = await probe()
    for client in (mine, elsewhere, bob, anonymous):
        await client.event("heartbeat")
        client.frames.clear()
    await threads.call(pushes.push_user_message, user_id=ALICE, message="hello")
    for client in (mine, elsewhere):
        pushed = await client.event("user_message")
        assert (pushed["from"], pushed["message"]) == (None, "hello")
        assert pushed["timestamp"]
    await threads.call(pushes.push_user_message, user_id=ALICE, message="for one", workspace_id=2)
    assert (await elsewhere.event("user_message"))["message"] == "for one"
    for client in (mine, bob, anonymous):
        await client.command("ping")
        assert not client.frames


async def test_a_system_notification_reaches_everybody_or_one_workspace(probe):
    first, second = await probe("alice@1"), await probe("bob@2")
    for client in (first, second):
        await client.event("heartbeat")
    await threads.call(pushes.push_system_notification, message="maintenance", severity="warning")
    for client in (first, second):
        pushed = await client.event("system_notification")
        assert (pushed["message"], pushed["severity"]) == ("maintenance", "warning")
    await threads.call(pushes.push_system_notification, message="here", workspace_id=2)
    assert (await second.event("system_notification"))["message"] == "here"
    await first.command("ping")
    assert "system_notification" not in [frame["type"] for frame in first.frames]


async def test_a_message_of_a_change_that_is_rolled_back_is_never_sent(probe):
    client = await probe("alice@1")
    await client.event("heartbeat")

    def pushes_and_fails() -> None:
        with transaction.atomic():
            pushes.push_user_message(user_id=ALICE, message="never")
            transaction.set_rollback(True)

    await threads.call(pushes_and_fails)
    await threads.call(pushes.push_user_message, user_id=ALICE, message="after")
    assert (await client.event("user_message"))["message"] == "after"


async def test_pushes_wait_for_a_client_that_lags(probe):
    """The newest 32 of them: a client that does not read is not entitled to more."""
    client = await probe("alice@1", slow=True)
    await client.event("heartbeat")
    for number in range(200):
        await threads.call(
            pushes.push_user_message, user_id=ALICE, message=json.dumps([number, "x" * 20_000])
        )
    seen = []
    while not seen or seen[-1] < 199:
        seen.append(json.loads((await client.event("user_message"))["message"])[0])
    assert seen == sorted(seen)
    assert seen[-32:] == list(range(168, 200))
    assert len(seen) < 200


async def test_an_acknowledged_heartbeat_tells_the_round_trip(probe):
    client = await probe("alice@1")
    before = await client.command("request_data", request="connection")
    assert before["data"]["round_trip"] is None
    heartbeat = await client.event("heartbeat")
    await client.send({"action": "heartbeat_ack", "timestamp": heartbeat["timestamp"]})
    after = await client.command("request_data", request="connection")
    assert 0 < after["data"]["round_trip"] < 5
    assert after["data"]["heartbeat_interval"] == 15


async def test_a_heartbeat_that_found_the_client_lagging_comes_once_it_reads_again(probe):
    client = await probe("alice@1", slow=True)
    await client.event("heartbeat")
    hub = await get_hub()
    [(connection, sweep)] = hub.connections.items()
    while connection.outlet.ready:
        await threads.call(pushes.push_user_message, user_id=ALICE, message="x" * 20_000)
    due = time.monotonic() + 20
    sweep(due)
    while not connection.outlet.ready:
        await client.event("user_message")
    sweep(due + 1)
    assert (await client.event("heartbeat"))["timestamp"]


async def test_a_server_that_is_late_sends_heartbeats_less_often(probe, limits, monkeypatch):
    limits["heartbeat_interval"] = 0.3
    monkeypatch.setattr("realtime.sockets.lifecycle.loop_lag.lag", 10.0)
    client = await probe("alice@1")
    await client.event("heartbeat")
    await client.event("heartbeat", within=3)  # the one that was already scheduled
    reply = await client.command("request_data", request="connection")
    assert reply["data"]["heartbeat_interval"] > 25
