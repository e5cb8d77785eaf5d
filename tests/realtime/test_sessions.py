"""Sessions that end while sockets are open, with the channel layer and without it."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from django.db import OperationalError

from realtime import auth, threads
from realtime.auth import Credentials, Principal
from realtime.hub import get_hub
from realtime.logins import LoginCache
from tests.realtime import endpoints

ALICE = Principal(1, "alice", False, 1, "w1", "member", session_key="s")
SHOWN = Credentials(session_key="s")


@pytest.fixture
def often(limits):
    """Open sockets are looked up again all the time."""
    limits["recheck_within"] = 0.3


@pytest.fixture
def became(monkeypatch):
    """What has become of people, by name, without anybody being told."""
    monkeypatch.setattr(endpoints, "became", {})
    return endpoints.became


async def test_a_session_that_ended_unannounced_is_closed_with_4500(often, became, probe):
    alice, bob = await probe("alice@1"), await probe("bob@1")
    await alice.event("heartbeat")
    became["alice"] = None
    assert await alice.closed() == 4500
    assert (await bob.command("ping"))["type"] == "pong"


async def test_rights_that_changed_unannounced_are_closed_with_4010(often, became, probe):
    client = await probe("alice@1")
    await client.event("heartbeat")
    hub = await get_hub()
    [connection] = hub.connections
    became["alice"] = replace(connection.principal, role="viewer")
    assert await client.closed() == 4010


async def test_a_socket_is_left_alone_while_nobody_can_look_it_up(
    often, became, probe, monkeypatch
):
    client = await probe("alice@1")
    await client.event("heartbeat")
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def away(principals):
        loop.call_soon_threadsafe(asked.set)
        raise OperationalError("the database is away")

    monkeypatch.setattr("realtime.rechecks.rechecker", lambda: away)
    async with asyncio.timeout(5):
        await asked.wait()
    assert (await client.command("ping"))["type"] == "pong"
    monkeypatch.undo()
    endpoints.became["alice"] = None
    try:
        assert await client.closed() == 4500
    finally:
        endpoints.became.clear()


async def test_each_socket_is_looked_up_again_and_again_but_not_all_the_time(
    limits, probe, monkeypatch
):
    limits["recheck_within"] = 1.2
    asked: list[float] = []

    def recheck(principals):
        asked.append(time.monotonic())
        return {principal: principal for principal in principals}

    monkeypatch.setattr("realtime.rechecks.rechecker", lambda: recheck)
    await probe("alice@1")
    async with asyncio.timeout(10):
        while len(asked) < 3:
            await asyncio.sleep(0.02)
    assert all(0.8 < later - earlier < 3 for earlier, later in pairwise(asked))


class Database:
    """Counts look-ups; each takes until `answer` is set."""

    def __init__(self):
        self.asked = 0
        self.answer = asyncio.Event()
        self.answer.set()

    async def look_up(self, shown):
        self.asked += 1
        await self.answer.wait()
        return ALICE


async def test_handshakes_that_come_together_share_one_look_up():
    cache, database = LoginCache(), Database()
    database.answer.clear()
    finding = [asyncio.create_task(cache.find(SHOWN, database.look_up)) for _ in range(10)]
    await asyncio.sleep(0)
    finding[0].cancel()
    await asyncio.sleep(0)
    database.answer.set()
    found = await asyncio.gather(*finding[1:])
    assert {login.principal for login in found} == {ALICE}
    assert database.asked == 1


async def test_what_is_known_is_forgotten_within_a_second(monkeypatch):
    cache, database = LoginCache(), Database()
    monkeypatch.setattr("realtime.logins.KEPT_FOR", 0.05)
    await cache.find(SHOWN, database.look_up)
    await cache.find(SHOWN, database.look_up)
    assert database.asked == 1
    await asyncio.sleep(0.1)
    await cache.find(SHOWN, database.look_up)
    assert database.asked == 2


async def test_nothing_known_counts_after_a_revocation():
    cache, database = LoginCache(), Database()
    await cache.find(SHOWN, database.look_up)
    cache.forget()
    await cache.find(SHOWN, database.look_up)
    assert database.asked == 2


async def test_a_look_up_that_failed_is_not_kept():
    cache, database = LoginCache(), Database()

    async def fails(shown):
        raise OperationalError("the database is away")

    with pytest.raises(OperationalError):
        await cache.find(SHOWN, fails)
    assert (await cache.find(SHOWN, database.look_up)).principal == ALICE


@pytest.mark.parametrize("shown", [Credentials(ticket="t"), Credentials(bearer="b")])
async def test_tickets_and_tokens_are_looked_up_every_time(shown):
    cache, database = LoginCache(), Database()
    for _ in range(2):
        await cache.find(shown, database.look_up)
    assert database.asked == 2


async def test_who_comes_back_with_a_revoked_session_is_not_let_in_from_memory(probe, monkeypatch):
    known = await probe(Cookie="sessionid=alice@1")
    await known.event("heartbeat")
    monkeypatch.setattr(endpoints, "revoked", {"alice@1"})
    await threads.call(auth.revoke, session_key="alice@1")
    assert await known.closed() == 4500
    again = await probe(Cookie="sessionid=alice@1")
    assert await again.closed() == 1008


async def test_a_slow_look_up_holds_up_nobody_else(probe, monkeypatch):
    release = asyncio.Event()
    authenticate = endpoints.authenticate

    async def look_up(shown):
        if "slow" in (shown.bearer or ""):
            await release.wait()
        return authenticate(shown)

    monkeypatch.setattr("realtime.lifecycle._look_up", look_up)
    slow = asyncio.create_task(probe("slow@1"))
    assert (await (await probe("alice@1")).next())["type"] == "connection_established"
    assert not slow.done()
    release.set()
    assert (await (await slow).next())["user"]["username"] == "slow"
