"""The pace of commands: learned from refusals, and never so fast that the server hangs up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pitwall_client.commands import Commands
from pitwall_client.credentials import Anonymous
from pitwall_client.errors import ConnectionClosedError
from pitwall_client.inbox import Inbox
from pitwall_client.link import Link
from pitwall_client.pacing import Pace
from pitwall_client.state import Standing, State

from realtime.sockets.limits import TokenBucket
from realtime_project.env import LIMITS
from tests.support.rooms import Team

from .conftest import Opened
from .virtual_time import play

# More refusals than a good pace ever gets. A loop that goes on beyond them is a bug.
TOO_MANY = 50
LATENCY = 0.002


class Server:
    """The server's limit of commands, with its defaults, at the other end of a socket."""

    def __init__(self, link: Link) -> None:
        defaults = dict(LIMITS.values())
        rate = defaults["commands_per_second"]
        self.refusals = 0
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._bucket = TokenBucket(rate, defaults["command_burst"], self._loop.time())
        self._patience = TokenBucket(rate / 10, defaults["max_refused_commands"], self._loop.time())

    async def send(self, data: str) -> None:
        """Take a frame, as the client's socket does."""
        self._loop.call_later(LATENCY, self._answer, json.loads(data)["id"])

    def _answer(self, command_id: int) -> None:
        now = self._loop.time()
        wait = self._bucket.take(now)
        reply: dict[str, object] = {"type": "pong", "id": command_id}
        if wait:
            self.refusals += 1
            if self._patience.take(now):
                self._link.end(ConnectionClosedError(1008, "too many commands"))
                return
            reply |= {"type": "error", "code": "rate_limited", "retry_after": wait, "remaining": 0}
        self._link.replies.settle(command_id, reply)


def commands_to_a_server() -> tuple[Commands, Server]:
    standing = Standing(None)
    link = Link(
        "ws://pw/ws/chat/", Anonymous(), {},
        inbox=Inbox(10, 10), standing=standing, uniform=lambda low, high: low,
    )  # fmt: skip
    server = Server(link)
    link.socket = server  # type: ignore[assignment]
    standing.enter(State.LIVE)
    return Commands(link, standing), server


@pytest.mark.parametrize("at_once", [False, True], ids=["in turn", "at once"])
def test_600_commands_all_succeed_at_the_pace_that_a_server_takes_by_default(
    at_once: bool,
) -> None:
    async def main() -> int:
        commands, server = commands_to_a_server()
        if at_once:
            await asyncio.gather(*(commands.run("ping", {}, 30) for _ in range(600)))
        else:
            for _ in range(600):
                await commands.run("ping", {}, 30)
        return server.refusals

    refusals, took = play(main)
    assert refusals < TOO_MANY
    # 120 at once and 60 in a second: no client can be done sooner than after 8 seconds.
    assert 8 <= took < 12


def run(rate: float, burst: float, commands: int, work: float) -> tuple[int, float]:
    """Send commands one after the other; returns how many were refused, and the time it took."""
    now, refusals = 0.0, 0
    bucket, pace = TokenBucket(rate, burst, now), Pace()
    pace.connected(now)
    for _ in range(commands):
        while refusals <= TOO_MANY:
            # A little later, as every timer; floating point would make the rest last for ever.
            now += pace.delay(now) + 1e-6
            pace.sent(now)
            now += work
            if not (wait := bucket.take(now)):
                break
            refusals += 1
            pace.refused(wait, now, whole_connection=True)
    return refusals, now


@given(rate=st.floats(1, 1_000), burst=st.integers(1, 500), work=st.floats(0, 0.01))
def test_refusals_become_rare_and_time_is_not_wasted(rate: float, burst: int, work: float) -> None:
    commands = burst * 3 + 100
    refusals, took = run(rate, burst, commands, work)
    assert refusals <= 20
    needed = max((commands - burst) / rate, commands * work)
    assert took <= needed * 1.3 + 3 * commands * work + 3 / rate


def test_without_a_refusal_nothing_waits() -> None:
    pace = Pace()
    pace.connected(5.0)
    for _ in range(10_000):
        pace.sent(5.0)
    assert pace.delay(5.0) == 0


def test_a_refusal_of_one_action_holds_the_others_only_for_its_time() -> None:
    pace = Pace()
    pace.connected(0.0)
    pace.sent(0.0)
    pace.refused(3.0, 0.0, whole_connection=False)
    assert pace.delay(1.0) == pytest.approx(2.0)
    assert pace.delay(3.0) == 0
    assert pace.interval == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_once", [False, True], ids=["in turn", "at once"])
async def test_more_commands_than_a_server_refuses_before_it_hangs_up_all_succeed(
    pitwall: Opened, team: Team, settings: Any, at_once: bool
) -> None:
    limits = {"commands_per_second": 500, "command_burst": 20, "max_refused_commands": 40}
    settings.REALTIME_LIMITS = {**settings.REALTIME_LIMITS, **limits}
    client = await pitwall(team.alice)
    if at_once:
        replies = await asyncio.gather(*(client.command("ping") for _ in range(600)))
    else:
        replies = [await client.command("ping") for _ in range(600)]
    assert {reply["type"] for reply in replies} == {"pong"}
    assert client.session.goodbye is None
