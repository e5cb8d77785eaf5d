"""Sessions that end while sockets are open, with and without the channel layer."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from django.db import OperationalError

from realtime import auth
from realtime.auth import Credentials, Principal
from realtime.database import threads
from realtime.hub import get_hub
from realtime.sessions.session_lookup import Logins
from tests.realtime import endpoints

ALICE = Principal(1, "alice", False, 1, "w1", "member", session_key="s")
SHOWN = Credentials(session_key="s")


@pytest.fixture
def often(limits):
    """Recheck open sockets all the time."""
    limits["recheck_within"] = 0.3


@pytest.fixture
def became(monkeypatch):
    """Change principals by username, without sending a revocation."""
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

    monkeypatch.setattr("realtime.sessions.rechecks.rechecker", lambda: away)
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

    monkeypatch.setattr("realtime.sessions.rechecks.rechecker", lambda: recheck)
    await probe("alice@1")
    async with asyncio.timeout(10):
        while len(asked) < 3:
            await asyncio.sleep(0.02)
    assert all(0.8 < later - earlier < 3 for earlier, later in pairwise(asked))


class Database:
    """Records the look-ups; each waits until `answer` is set."""

    def __init__(self):
        self.asked: list[int] = []
        self.fails = False
        self.answer = asyncio.Event()
        self.answer.set()

    async def look_up(self, shown):
        self.asked.append(len(shown))
        await self.answer.wait()
        if self.fails:
            raise OperationalError("the database is away")
        return [ALICE for _ in shown]


async def test_handshakes_of_one_session_that_come_together_share_one_look_up():
    database = Database()
    database.answer.clear()
    logins = Logins(database.look_up)
    finding = [asyncio.create_task(logins.find(SHOWN)) for _ in range(10)]
    await asyncio.sleep(0)
    finding[0].cancel()
    await asyncio.sleep(0)
    database.answer.set()
    found = await asyncio.gather(*finding[1:])
    assert {login.principal for login in found} == {ALICE}
    assert database.asked == [1]


async def test_a_crowd_is_looked_up_together():
    database = Database()
    logins = Logins(database.look_up)
    crowd = [Credentials(session_key=str(number)) for number in range(100)]
    await asyncio.gather(*[logins.find(shown) for shown in crowd])
    assert database.asked == [64, 36]


async def test_who_comes_right_behind_is_looked_up_together_with_the_first():
    database = Database()
    logins = Logins(database.look_up)
    first = asyncio.create_task(logins.find(SHOWN))
    await asyncio.sleep(0)
    await asyncio.gather(first, logins.find(Credentials(session_key="behind")))
    assert database.asked == [2]


async def test_a_look_up_that_hangs_holds_up_nobody_who_comes_later():
    database = Database()
    database.answer.clear()
    logins = Logins(database.look_up)
    hanging = asyncio.create_task(logins.find(SHOWN))
    async with asyncio.timeout(5):
        while not database.asked:
            await asyncio.sleep(0.01)
        later = asyncio.create_task(logins.find(Credentials(session_key="later")))
        while len(database.asked) < 2:
            await asyncio.sleep(0.01)
    database.answer.set()
    await asyncio.gather(hanging, later)


async def test_what_is_known_is_forgotten_within_a_second(monkeypatch):
    database = Database()
    logins = Logins(database.look_up)
    monkeypatch.setattr("realtime.sessions.session_lookup.KEPT_FOR", 0.1)
    await logins.find(SHOWN)
    await logins.find(SHOWN)
    assert database.asked == [1]
    await asyncio.sleep(0.15)
    await logins.find(SHOWN)
    assert database.asked == [1, 1]


async def test_nothing_known_counts_after_a_revocation():
    database = Database()
    logins = Logins(database.look_up)
    await logins.find(SHOWN)
    logins.forget()
    await logins.find(SHOWN)
    assert database.asked == [1, 1]


async def test_a_look_up_that_failed_is_not_kept():
    database = Database()
    logins = Logins(database.look_up)
    database.fails = True
    with pytest.raises(OperationalError):
        await logins.find(SHOWN)
    database.fails = False
    assert (await logins.find(SHOWN)).principal == ALICE


async def test_a_look_up_that_fails_late_leaves_a_newer_one_alone():
    database = Database()
    database.answer.clear()
    logins = Logins(database.look_up)
    before = asyncio.create_task(logins.find(SHOWN))
    async with asyncio.timeout(5):
        while not database.asked:
            await asyncio.sleep(0.001)
    logins.forget()
    after = asyncio.create_task(logins.find(SHOWN))
    await asyncio.sleep(0)
    database.fails = True
    database.answer.set()
    with pytest.raises(OperationalError):
        await before
    database.fails = False
    found = await asyncio.gather(after, logins.find(SHOWN))
    assert {login.principal for login in found} == {ALICE}
    assert database.asked == [1, 1]


async def test_who_comes_back_with_a_revoked_session_is_not_let_in_from_memory(probe, monkeypatch):
    known = await probe(Cookie="sessionid=alice@1")
    await known.event("heartbeat")
    monkeypatch.setattr(endpoints, "revoked", {"alice@1"})
    await threads.call(auth.revoke, session_key="alice@1")
    assert await known.closed() == 4500
    again = await probe(Cookie="sessionid=alice@1")
    assert await again.closed() == 1008
