"""One member with many busy sockets does not hold up the others."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from realtime.database import threads
from tests.conftest import Connect
from tests.support.rooms import Team
from tests.support.sockets import SocketClient

pytestmark = pytest.mark.django_db(transaction=True)

SOCKETS = 16
MEASURED = 40
# Takes the parser long: a bracket may begin a link, and none of these does.
SLOW = "[" * 15_900


def memory() -> int:
    """Return the bytes of memory that this process occupies."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


async def seconds_of_history(socket: SocketClient) -> float:
    """Return the median time of the answer to `history`, asked ten times a second."""
    taken = []
    for _ in range(MEASURED):
        began = time.perf_counter()
        assert (await socket.command("history", room="ops"))["type"] == "historical_data"
        taken.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    return median(taken)


async def post_on_and_on(socket: SocketClient) -> None:
    """Post slow texts one after the other; answers are thrown away."""

    async def listen() -> None:
        async for _ in socket.connection:
            pass

    async with asyncio.TaskGroup() as both:
        both.create_task(listen())
        while True:
            command = {"action": "send_message", "room": "general", "text": SLOW}
            await socket.connection.send(json.dumps(command))
            await asyncio.sleep(0.05)


@pytest.fixture(autouse=True)
def fresh_turns() -> Any:
    threads._turns.cache_clear()
    yield
    threads._turns.cache_clear()


async def test_sixteen_busy_sockets_of_one_member_leave_others_their_speed(
    connect: Connect,
) -> None:
    team = await sync_to_async(Team)()

    def fill() -> None:
        for number in range(50):
            team.say(team.alice, team.ops, f"message {number}")

    await sync_to_async(fill)()
    reader = await connect("/ws/chat/", user=team.alice)
    quiet, before = await seconds_of_history(reader), memory()
    busy = [await connect("/ws/chat/", user=team.bob) for _ in range(SOCKETS)]
    posting = [asyncio.create_task(post_on_and_on(socket)) for socket in busy]
    try:
        await asyncio.sleep(1)
        disturbed = await seconds_of_history(reader)
    finally:
        for task in posting:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*posting, return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in busy))
    assert disturbed < quiet * 3
    assert memory() - before < 150 * 2**20


@pytest.fixture
def one_at_a_time(settings: Any) -> None:
    settings.REALTIME_LIMITS = {**settings.REALTIME_LIMITS, "max_waiting_per_user": 1}
    settings.SERVICE_THREADS = 3
    threads._turns.cache_clear()


async def test_what_a_full_queue_has_no_place_for_is_refused_with_a_time(
    connect: Connect, one_at_a_time: None
) -> None:
    team = await sync_to_async(Team)()
    sockets = [await connect("/ws/chat/", user=team.bob) for _ in range(6)]
    answers = await asyncio.gather(
        *(socket.command("send_message", room="general", text=SLOW) for socket in sockets)
    )
    refused = [answer for answer in answers if answer.get("code") == "rate_limited"]
    assert refused
    assert all(answer["retry_after"] > 0 for answer in refused)
    assert {answer["type"] for answer in answers if answer not in refused} == {"ack"}
    again = await sockets[0].command("history", room="general")
    assert len(again["data"]) == len(answers) - len(refused)
