"""Failures: the death of a worker, a web process, Redis or the database."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psutil
import pytest
from pitwall_client import Client, CommandError

from .installations import BACK_WITHIN, Installation, behind_proxies, open_together
from .loop import BackgroundLoop
from .servers import WORKERS, Server

pytestmark = [pytest.mark.e2e, pytest.mark.services]

OUTAGE = 3.0
STARTS_WITHIN = 60.0
# A metric of the worker `collectors`, and one that only `metrics-simulator` has.
OF_EACH_WORKER = ("cpu_usage", "humidity")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with behind_proxies(tmp_path_factory.mktemp("faults")) as running:
        yield running


def name_of_connection(client: Client) -> str:
    assert client.session.established is not None
    return str(client.session.established["client_id"])


async def fresh_frame(client: Client, within: float = BACK_WITHIN) -> float:
    """Wait for a frame whose values were taken after this call; returns the seconds it took."""
    client.drain()
    called, began = time.time(), time.monotonic()
    while True:
        left = within - (time.monotonic() - began)
        frame = await client.event("realtime_metrics", within=left)
        if datetime.fromisoformat(frame["timestamp"]).timestamp() >= called - 1:
            return time.monotonic() - began


def test_an_outage_of_redis_is_a_few_plain_lines_in_the_log(
    tmp_path: Path, loop: BackgroundLoop
) -> None:
    """Each listening process (two web, three workers) logs one line, each publishing worker two.

    Uses a new installation: an outage right after another one is logged as the same.
    """
    with behind_proxies(tmp_path) as fresh:
        server = fresh.server
        loop.run(until_all_processes_serve(server), within=120)
        before = len(server.output), len(server.worker_output)

        def written() -> str:
            return server.output[before[0] :] + server.worker_output[before[1] :]

        async def outage() -> None:
            async with fresh.client() as client:
                await client.command("subscribe", metrics=list(OF_EACH_WORKER))
                await values_of_each_worker(client)
                with fresh.redis_away():
                    await asyncio.sleep(OUTAGE)
                await values_of_each_worker(client)

        loop.run(outage(), within=120)
        # The log line may be written after a value has arrived.
        deadline = time.monotonic() + BACK_WITHIN
        while written().count("takes messages again") < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "Traceback" not in written()
        assert written().count("Redis cannot be reached") == 2 + len(WORKERS)
        # The workers `collectors` and `metrics-simulator` publish every second.
        assert written().count("takes no messages") == written().count("takes messages again") == 2


async def until_all_processes_serve(server: Server) -> None:
    """Return when both web processes have accepted a socket: one is ready before the other."""
    headers = {"Authorization": f"Bearer {server.token()}"}
    reached: set[int] = set()
    while len(reached) < 2:
        for client, pid in await open_together(server, "/ws/dashboard/", headers):
            await client.event("connection_established")
            reached.add(pid)
            await client.close()


async def values_of_each_worker(client: Client) -> None:
    """Wait for values that were taken after this call, from every publishing worker."""
    client.drain()
    called, missing = time.time(), set(OF_EACH_WORKER)
    async with asyncio.timeout(STARTS_WITHIN):
        while missing:
            frame = await client.event("realtime_metrics", within=STARTS_WITHIN)
            if datetime.fromisoformat(frame["timestamp"]).timestamp() >= called:
                missing -= {name for group in frame["metrics"].values() for name in group}


def test_redis_gone_and_back_costs_no_connection(
    installation: Installation, loop: BackgroundLoop
) -> None:
    async def outage() -> None:
        async with installation.client() as client:
            await client.command("subscribe", metrics=["cpu_usage"])
            await fresh_frame(client)
            before = name_of_connection(client)
            with installation.redis_away():
                await asyncio.sleep(OUTAGE)
                # Commands do not need Redis.
                pong = await client.command("ping")
                assert pong["type"] == "pong"
            await fresh_frame(client)
            assert name_of_connection(client) == before

    loop.run(outage(), within=90)
    installation.wait_until_ready()


def test_who_subscribes_without_redis_is_served_once_it_is_back(
    installation: Installation, loop: BackgroundLoop
) -> None:
    async def outage() -> None:
        async with installation.client() as client:
            with installation.redis_away():
                confirmed = await client.command("subscribe", metrics=["memory_usage"])
                assert confirmed["metrics"] == ["memory_usage"]
            await fresh_frame(client)

    loop.run(outage(), within=90)


def test_the_database_gone_and_back_loses_no_sample_and_no_connection(
    installation: Installation, loop: BackgroundLoop
) -> None:
    async def outage() -> None:
        async with installation.client() as client:
            await client.command("subscribe", metrics=["cpu_usage"])
            await fresh_frame(client)
            before = name_of_connection(client)
            began = time.time()
            with installation.database_away():
                # Values are pushed without being stored.
                await fresh_frame(client)
                with pytest.raises(CommandError) as refused:
                    await client.command("history", metric="cpu_usage", hours=1)
                assert refused.value.code == "unavailable"
                await asyncio.sleep(OUTAGE)
            await fresh_frame(client)
            await until_stored(client, began, time.time())
            assert name_of_connection(client) == before

    loop.run(outage(), within=120)
    installation.wait_until_ready()


async def until_stored(client: Client, start: float, end: float) -> None:
    """Wait until every second between these times has its sample."""
    deadline = time.monotonic() + BACK_WITHIN
    wanted = int(end) - int(start) - 1
    while True:
        history = await client.command("history", metric="cpu_usage", start=start, end=end)
        stored = len(history["data"])
        if stored >= wanted:
            return
        assert time.monotonic() < deadline, f"{stored} of {wanted} samples are there"
        await asyncio.sleep(0.5)


def test_readiness_tells_what_is_away(installation: Installation) -> None:
    with installation.database_away():
        status, body = installation.readiness()
        # An answer may be a second old.
        deadline = time.monotonic() + BACK_WITHIN
        while status != 503 and time.monotonic() < deadline:
            time.sleep(0.1)
            status, body = installation.readiness()
    assert status == 503
    assert str(body["database"]).startswith("unavailable")
    installation.wait_until_ready()


def test_a_killed_web_process_is_replaced_and_its_clients_come_back(
    installation: Installation, loop: BackgroundLoop
) -> None:
    assert installation.server.web is not None
    supervisor = psutil.Process(installation.server.web.pid)

    async def killed() -> None:
        async with installation.client() as client:
            await client.command("subscribe", metrics=["cpu_usage"])
            await fresh_frame(client)
            before = {child.pid for child in supervisor.children()}
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            await fresh_frame(client, within=30)
            after = {child.pid for child in supervisor.children()}
            assert len(after) == 2
            assert not before & after

    loop.run(killed(), within=90)


def test_a_killed_worker_is_taken_over_by_another(
    installation: Installation, loop: BackgroundLoop
) -> None:
    """The second worker waits for the lease, which expires 15 s after its holder has died."""
    [collectors] = [
        process
        for process in installation.server._worker_processes
        if "collectors" in process.args  # type: ignore[operator]
    ]
    second = installation.server._spawn("runworker", "collectors")
    installation.server._worker_processes.append(second)

    async def taken_over() -> None:
        async with installation.client() as client:
            await client.command("subscribe", metrics=["cpu_usage"])
            await fresh_frame(client)
            os.kill(collectors.pid, signal.SIGKILL)
            collectors.wait()
            installation.server._worker_processes.remove(collectors)
            await asyncio.sleep(1.5)
            await fresh_frame(client, within=25)

    loop.run(taken_over(), within=90)
