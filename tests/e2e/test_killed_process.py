"""A web process killed with SIGKILL cannot say goodbye: the other one notices."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from realtime.auth import Credentials
from realtime.models import PROCESS_ALIVE
from realtime.presence.rules import GRACE
from realtime.sessions.directory import REFRESH
from tests.realtime.endpoints import authenticate
from tests.support.sockets import SocketClient

from . import servers
from .installations import open_together
from .loop import BackgroundLoop
from .servers import Server

pytestmark = [pytest.mark.e2e, pytest.mark.services]

LEASE = PROCESS_ALIVE.total_seconds()
# The registry is queried, and presence swept, about once a second.
SLACK = 3.0
# Seconds until everything that the test starts from is listed.
LISTED = 30.0
ROOM = "room:ops"
WORKSPACE = 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("killed")
    with servers.production(path, workers=(), settings="tests.support.probing") as running:
        yield running


class Sockets:
    """Sockets of the probe endpoint, each on a chosen web process."""

    def __init__(self, server: Server, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack

    async def open(
        self, name: str, on: Callable[[int], bool] = lambda pid: True
    ) -> tuple[SocketClient, int]:
        """Open a socket of that user on a process whose pid `on` accepts; closes any others."""
        headers = {"Authorization": f"Bearer {name}@{WORKSPACE}"}
        for _ in range(20):
            found = None
            for client, pid in await open_together(self._server, "/ws/probe/", headers):
                if found is None and on(pid):
                    found = client, pid
                    self._stack.push_async_callback(client.close)
                else:
                    await client.close()
            if found is not None:
                return found
        raise AssertionError("every socket came to the same process")


def user_id(name: str) -> int:
    principal = authenticate(Credentials(bearer=f"{name}@{WORKSPACE}"))
    assert principal is not None
    return principal.user_id


async def asked(client: SocketClient, request: str) -> list[object]:
    answer = await client.command("request_data", request=request)
    return list(answer["data"])


async def until(
    client: SocketClient, request: str, holds: Callable[[list[object]], bool], within: float
) -> float:
    """Request data until the answer is as expected; returns the seconds it took."""
    began = time.monotonic()
    while not holds(answer := await asked(client, request)):
        assert time.monotonic() - began < within, f"{request}: still {answer}"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def test_users_and_connections_of_a_killed_process_are_gone_within_the_lease(
    server: Server, loop: BackgroundLoop
) -> None:
    async def killed() -> None:
        async with AsyncExitStack() as stack:
            sockets = Sockets(server, stack)
            watcher, living = await sockets.open("bob")
            here, _ = await sockets.open("carol", lambda pid: pid == living)
            doomed, dying = await sockets.open("alice", lambda pid: pid != living)
            there, _ = await sockets.open("carol", lambda pid: pid == dying)
            lost = [
                (await client.event("connection_established"))["client_id"]
                for client in (doomed, there)
            ]
            kept = (await here.event("connection_established"))["client_id"]
            await watcher.command("subscribe", logs=[f"presence:{ROOM}"])
            for client in (here, doomed, there):
                await client.command("enter", scope=ROOM)
            alice, carol = user_id("alice"), user_id("carol")
            present = f"present:{ROOM}"
            await until(watcher, present, lambda ids: {alice, carol} <= set(ids), LISTED)
            await until(watcher, "connections", lambda ids: {*lost, kept} <= set(ids), LISTED)

            began = time.monotonic()
            os.kill(dying, signal.SIGKILL)
            await until(watcher, "connections", lambda ids: not set(lost) & set(ids), LEASE + SLACK)
            assert kept in await asked(watcher, "connections")
            await until(watcher, present, lambda ids: alice not in ids, LEASE + GRACE + SLACK)
            assert GRACE < time.monotonic() - began < LEASE + GRACE + SLACK
            assert carol in await asked(watcher, present)
            assert await told(watcher) == sorted(
                [f"{alice} came", f"{carol} came", f"{alice} left"]
            )

    loop.run(killed(), within=120)


async def told(client: SocketClient) -> list[str]:
    """Return the arrivals and departures that the stream reports by the next few sweeps."""
    await asyncio.sleep(REFRESH / 2)
    await client.command("ping")
    return sorted(frame["text"] for frame in client.frames if frame["type"] == "note")
