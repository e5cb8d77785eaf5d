"""Due times of steps, with clocks that the test controls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from realtime.workers import paces
from realtime.workers.paces import Aligned, Every, Pace


class Clock:
    """Replaces `time`; sleeping advances it, slightly too little if the test says so."""

    def __init__(self, now: float) -> None:
        self.now = self.running = now
        self.early = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.running

    async def pause(self, seconds: float, until: asyncio.Event) -> None:
        await asyncio.sleep(0)
        self.turn(max(0.0, seconds - self.early))
        self.early = 0.0

    def turn(self, seconds: float) -> None:
        self.now += seconds
        self.running += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(1000.25)
    monkeypatch.setattr(paces, "time", clock)
    monkeypatch.setattr(paces, "pause", clock.pause)
    return clock


def ticks(pace: Pace) -> AsyncIterator[int]:
    return pace.ticks(asyncio.Event())


async def test_steps_start_so_many_seconds_apart_however_long_they_take(clock: Clock) -> None:
    starts = []
    async for _ in ticks(Every(2.0)):
        starts.append(clock.now)
        clock.turn([0.0, 1.5, 5.0, 0.0][len(starts) - 1])
        if len(starts) == 4:
            break
    assert starts == [1000.25, 1002.25, 1004.25, 1009.25]


async def test_aligned_steps_are_on_whole_multiples_and_skip_what_has_passed(clock: Clock) -> None:
    found = []
    async for tick in ticks(Aligned(10)):
        found.append((tick, clock.now))
        clock.turn([3.0, 27.5, 0.0][len(found) - 1])
        if len(found) == 3:
            break
    assert found == [(1010, 1010.0), (1020, 1020.0), (1050, 1050.0)]


async def test_an_early_timer_or_a_clock_that_is_set_back_repeats_no_tick(clock: Clock) -> None:
    found = []
    async for tick in ticks(Aligned(1)):
        found.append(tick)
        clock.early = 0.001
        if len(found) == 3:
            clock.now -= 0.9  # into the previous second
        if len(found) == 5:
            break
    assert found == [1001, 1002, 1003, 1004, 1005]


async def test_a_clock_that_is_set_back_far_goes_on_from_there(clock: Clock) -> None:
    found = []
    async for tick in ticks(Aligned(1)):
        found.append(tick)
        if len(found) == 1:
            clock.now = 500.5
        if len(found) == 2:
            break
    assert found == [1001, 501]


@pytest.mark.parametrize("pace", [Every(3600), Aligned(3600)])
async def test_a_worker_that_is_to_stop_waits_for_no_tick(pace: Pace) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stopping.set)
    async with asyncio.timeout(5):
        assert len([tick async for tick in pace.ticks(stopping)]) <= 1
