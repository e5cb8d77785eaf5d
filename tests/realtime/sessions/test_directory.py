"""The registry: the connections of all processes, as staff see them."""

import asyncio
from datetime import timedelta

import msgspec
from django.db.models.functions import Now

from realtime.database import threads
from realtime.models import Process, ProcessConnections
from realtime.process.reporter import PROCESS_ID
from realtime.sessions import directory
from realtime.sessions.directory import ConnectionRecord

ALICE = sum(b"alice")


async def listed(count, **filters):
    async with asyncio.timeout(8):
        while len(found := await threads.call(directory.connections, **filters)) != count:
            await asyncio.sleep(0.02)
    return found


def elsewhere(client_id="far", user_id=7, age=0.0):
    """Write another process's rows, last seen `age` seconds ago."""
    process, _ = Process.objects.update_or_create(
        process_id="elsewhere",
        defaults={
            "role": "web",
            "host": "h",
            "pid": 1,
            "started_at": Now(),
            "seen_at": Now() - timedelta(seconds=age),
        },
    )
    record = ConnectionRecord(
        client_id=client_id,
        user_id=user_id,
        username="far",
        workspace_id=1,
        workspace="w1",
        endpoint="/ws/probe/",
        address="192.0.2.1",
        user_agent="",
        connected_at="2026-01-01T00:00:00.000000Z",
        silent_for=0.0,
        frames_in=0,
        frames_out=2,
        skipped=0,
        round_trip=None,
        subscriptions=[],
        process_id="elsewhere",
    )
    ProcessConnections.objects.update_or_create(
        process=process,
        defaults={
            "connections": msgspec.json.encode([record]).decode(),
            "users": msgspec.json.encode([(user_id, 1)]).decode(),
            "updated_at": Now(),
        },
    )


async def test_a_connection_is_listed_with_its_statistics_until_it_ends(probe):
    client = await probe("alice@1", User_Agent="probe/1")
    greeting = await client.event("connection_established")
    await client.command("subscribe", logs=["room:ops"])
    [record] = await listed(1)
    assert record.client_id == greeting["client_id"]
    assert (record.user_id, record.username, record.workspace) == (ALICE, "alice", "w1")
    assert (record.address, record.user_agent) == ("127.0.0.1", "probe/1")
    assert record.process_id == PROCESS_ID
    await client.close()
    await listed(0)


async def test_an_anonymous_connection_is_listed_and_gets_its_name(probe):
    client = await probe()
    [record] = await listed(1)
    assert record.user_id is None
    await client.command("authenticate", token="alice@1")
    [record] = await listed(1, user_id=ALICE)
    assert record.workspace_id == 1


async def test_connections_of_a_process_that_dies_do_not_count(probe):
    await threads.call(elsewhere)
    assert len(await threads.call(directory.connections)) == 1
    assert await threads.call(directory.is_connected, 7)
    await threads.call(elsewhere, age=6)
    assert await threads.call(directory.connections) == []
    assert not await threads.call(directory.is_connected, 7)


async def test_a_user_is_connected_from_the_first_moment(probe):
    client = await probe("alice@1")
    await client.event("heartbeat")
    assert await threads.call(directory.is_connected, ALICE)
    assert await threads.call(directory.is_connected, ALICE, 1)
    assert not await threads.call(directory.is_connected, ALICE, 2)
    assert not await threads.call(directory.is_connected, ALICE + 1)


async def connected_elsewhere(users):
    """Wait until this process reports exactly these (user, workspace) pairs as connected."""
    mine = ProcessConnections.objects.filter(process_id=PROCESS_ID)
    async with asyncio.timeout(1):
        while await threads.call(list, mine.values_list("users", flat=True)) != [users]:
            await asyncio.sleep(0.02)


async def test_other_processes_know_within_a_second_however_long_the_list_is(probe, monkeypatch):
    monkeypatch.setattr(directory, "PAUSE_PER_CONNECTION", 60.0)
    first, second = await probe("alice@1"), await probe("alice@1")
    await probe("bob@2")
    await connected_elsewhere(f"[[{sum(b'bob')},2],[{ALICE},1]]")
    await first.close()
    await second.close()
    await connected_elsewhere(f"[[{sum(b'bob')},2]]")


async def test_a_row_that_was_lost_is_written_again(probe, monkeypatch):
    monkeypatch.setattr(directory, "REFRESH", 0.1)
    await probe("alice@1")
    await connected_elsewhere(f"[[{ALICE},1]]")
    await threads.call(ProcessConnections.objects.all().delete)
    await connected_elsewhere(f"[[{ALICE},1]]")


async def test_totals_are_over_all_processes(probe):
    await probe("alice@1")
    await probe()
    await threads.call(elsewhere)
    await listed(3)
    totals = await threads.call(directory.totals)
    assert (totals["connections"], totals["anonymous"], totals["users"]) == (3, 1, 2)
    assert totals["by_endpoint"] == {"/ws/probe/": 3}
    assert totals["by_process"] == {PROCESS_ID: 2, "elsewhere": 1}


async def test_one_connection_can_be_closed_by_its_id(probe):
    doomed, other = await probe("alice@1"), await probe("alice@1")
    await other.event("heartbeat")
    client_id = (await doomed.event("connection_established"))["client_id"]
    await threads.call(directory.disconnect, client_id)
    assert await doomed.closed() == 1000
    assert doomed.frames[-1]["reason"] == "Closed by an administrator."
    assert (await other.command("ping"))["type"] == "pong"


async def test_an_anonymous_connection_can_be_closed_by_its_id_too(probe):
    doomed = await probe()
    client_id = (await doomed.event("connection_established"))["client_id"]
    await threads.call(directory.disconnect, client_id)
    assert await doomed.closed() == 1000
