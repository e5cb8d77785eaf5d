"""A worker killed with SIGKILL at any point: each command takes effect once, in order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from realtime.database import threads
from realtime.models import Lease
from realtime.workers import wakeups
from tests.support.counter import POINTS, Add, Total, additions, applied
from tools.lifetimes import tied

pytestmark = pytest.mark.django_db(transaction=True)


class Nursery:
    """Consecutive worker processes, forked from a process that has loaded Django."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def start(self, point: str = "", step: int = 0, at_once: int = 2) -> int:
        """Start a worker that kills itself when it reaches `point` for the `step`-th time.

        Returns its process id.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{at_once},{step},{point}\n")
        self._process.stdin.flush()
        return await self._number()

    async def ended(self) -> int:
        """Return the exit code of the current worker; another one can take its place at once."""
        code = await self._number()
        await threads.call(Lease.objects.update, expires_at="2020-01-01T00:00:00Z")
        return code

    async def _number(self) -> int:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            return int(await asyncio.to_thread(self._process.stdout.readline))


@pytest.fixture(scope="module")
def nursery(django_db_setup: None, django_db_blocker: Any) -> Iterator[Nursery]:
    with django_db_blocker.unblock():
        environment = {**os.environ, **place_of_the_database()}
    process = subprocess.Popen(
        tied([sys.executable, "-m", "tests.support.counter"]),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Nursery(process)
    finally:
        process.kill()
        process.communicate()


def place_of_the_database() -> dict[str, str]:
    """Return the environment for a process that works on this test's database."""
    name = connection.settings_dict["NAME"]
    server = os.environ.get("DATABASE_URL", "")
    return {
        "DJANGO_SETTINGS_MODULE": "realtime_project.settings",
        "DATABASE_URL": f"{server.rpartition('/')[0]}/{name}" if server else f"sqlite:///{name}",
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "localhost",
        "CSRF_TRUSTED_ORIGINS": "http://localhost",
    }


async def outcomes_of(*amounts: int) -> list[asyncio.Task[Total]]:
    """Submit these amounts in order; returns the tasks that wait for the outcomes."""
    await wakeups.get_listener()
    asking = [asyncio.create_task(additions.ask(Add(amount), within=60)) for amount in amounts]
    async with asyncio.timeout(20):
        while not await threads.call(additions.take):
            await asyncio.sleep(0.01)
    return asking


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_step_it_applies_every_command_once_and_askers_hear(
    nursery: Nursery, point: str
) -> None:
    """Each step takes two commands: killed in its first, in its second, and then never."""
    asking = await outcomes_of(1, 2, 3, 4, 5, 6, 7)
    for step in (1, 2):
        await nursery.start(point, step)
        assert await nursery.ended() == -signal.SIGKILL
    alive = await nursery.start()
    totals = [outcome.total for outcome in await asyncio.gather(*asking)]
    os.kill(alive, signal.SIGTERM)
    assert await nursery.ended() == 0
    assert totals == [1, 3, 6, 10, 15, 21, 28]
    assert await threads.call(applied) == list(zip(range(1, 8), totals, strict=True))


async def test_killed_at_random_while_500_commands_come_in_it_loses_and_repeats_none(
    nursery: Nursery,
) -> None:
    chance = random.Random(5)

    async def ask(number: int) -> Total:
        await asyncio.sleep(chance.uniform(0, 3))
        return await additions.ask(Add(number), within=120)

    asking = [asyncio.create_task(ask(number)) for number in range(500)]
    kills = 0
    await wakeups.get_listener()
    while len(await threads.call(applied)) < 500:
        done_before = len(await threads.call(applied))
        alive = await nursery.start(at_once=10)
        async with asyncio.timeout(30):  # without progress, the test would run forever
            while len(await threads.call(applied)) == done_before:
                await asyncio.sleep(0.01)
        await asyncio.wait(asking, timeout=chance.uniform(0, 0.5))
        os.kill(alive, signal.SIGKILL)
        kills += await nursery.ended() == -signal.SIGKILL
    totals = {n: outcome.total for n, outcome in enumerate(await asyncio.gather(*asking))}
    done = await threads.call(applied)
    assert kills > 3
    assert sorted(amount for amount, _ in done) == list(range(500))
    assert dict(done) == totals
    assert [total for _, total in done] == running_totals([amount for amount, _ in done])


def running_totals(amounts: list[int]) -> list[int]:
    return [sum(amounts[: count + 1]) for count in range(len(amounts))]
