"""Sources run side by side: one that fails or hangs does not affect the others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise

import pytest
import pytest_asyncio

from dashboard.collection import engine as engine_module
from dashboard.collection.engine import Engine, Outcome
from dashboard.source_kinds import Kind, Readings, SourceFacts

TICK = 1_795_303_126


class Scripted:
    """A collector that follows a script."""

    def __init__(self, read: Callable[[float], Readings]) -> None:
        self.read = read

    def collect(self, at: float) -> Readings:
        return self.read(at)


def source(
    source_id: int,
    read: Callable[[float], Readings],
    *,
    interval: int = 1,
    timeout: float = 5,
    workspace: int = 1,
) -> tuple[SourceFacts, Kind]:
    facts = SourceFacts(source_id, workspace, f"source_{source_id}", interval)
    return facts, Kind("scripted", "", (), lambda facts: Scripted(read), timeout=timeout)


def steady(value: float) -> Callable[[float], Readings]:
    return lambda at: {"rpm": value}


def broken(at: float) -> Readings:
    raise ConnectionRefusedError("nobody there")


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    engine = Engine()
    yield engine
    await engine.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()  # lets hanging threads end


def by_source(outcomes: list[Outcome]) -> dict[int, Outcome]:
    return {outcome.source_id: outcome for outcome in outcomes}


async def test_all_due_sources_give_their_readings_in_the_same_tick(engine: Engine) -> None:
    engine.adopt([source(n, steady(n)) for n in range(1, 6)])
    outcomes = by_source(await engine.tick(TICK))
    assert {n: outcome.readings for n, outcome in outcomes.items()} == {
        n: {"rpm": n} for n in range(1, 6)
    }
    assert {outcome.tick for outcome in outcomes.values()} == {TICK}


async def test_a_source_that_hangs_does_not_delay_another(
    engine: Engine, gate: threading.Event
) -> None:
    def hang(at: float) -> Readings:
        gate.wait(30)
        return {}

    engine.adopt([source(1, hang, timeout=0.5), source(2, steady(2))])
    for tick in range(3):
        began = time.monotonic()
        outcomes = by_source(await engine.tick(TICK + tick))
        assert outcomes[2].readings == {"rpm": 2}
        assert time.monotonic() - began < engine_module.GRACE + 0.2
    outcomes = await until(engine, lambda found: 1 in found)
    assert outcomes[1].error == "No answer within 0.5 s."


async def test_a_source_that_hung_is_not_started_again_before_it_is_back(
    engine: Engine, gate: threading.Event
) -> None:
    starts = []

    def hang_once(at: float) -> Readings:
        starts.append(at)
        if len(starts) == 1:
            gate.wait(30)
        return {"rpm": 1}

    engine.adopt([source(1, hang_once, timeout=0.05)])
    assert (await until(engine, lambda found: 1 in found))[1].error
    assert by_source(await engine.tick(TICK + 1000))[1].error  # due again, but still hanging
    assert len(starts) == 1
    gate.set()
    recovered = await until(engine, lambda found: 1 in found and not found[1].error, step=1000)
    assert recovered[1].readings == {"rpm": 1}
    assert len(starts) == 2


async def test_a_failing_source_tells_why_and_pauses_longer_each_time(engine: Engine) -> None:
    engine.adopt([source(1, broken)])
    failures = []
    for tick in range(TICK, TICK + 2000):
        for outcome in await engine.tick(tick):
            assert outcome.error == "ConnectionRefusedError: nobody there"
            failures.append(tick)
    pauses = [after - before for before, after in pairwise(failures)]
    assert pauses[0] <= 2
    for doubled, pause in enumerate(pauses, start=1):
        longest = min(engine_module.LONGEST_PAUSE, 2**doubled)
        assert longest * 0.5 <= pause <= longest + 1
    assert len(failures) < 20


async def test_a_source_that_works_again_is_back_at_its_own_pace(engine: Engine) -> None:
    def flaky(at: float) -> Readings:
        if at < TICK + 3:
            raise TimeoutError("too early")
        return {"rpm": 1}

    engine.adopt([source(1, flaky)])
    worked = [
        tick for tick in range(TICK, TICK + 30) for o in await engine.tick(tick) if o.readings
    ]
    assert worked == list(range(worked[0], TICK + 30))


async def test_intervals_lie_on_a_common_grid(engine: Engine) -> None:
    engine.adopt([source(1, steady(1), interval=5), source(2, steady(2), interval=10)])
    ran: dict[int, list[int]] = {1: [], 2: []}
    for tick in range(TICK, TICK + 30):
        for outcome in await engine.tick(tick):
            ran[outcome.source_id].append(tick)
    assert ran[1][0] == ran[2][0] == TICK  # at once, then on the grid
    assert all(tick % 5 == 0 for tick in ran[1][1:])
    assert all(tick % 10 == 0 for tick in ran[2][1:])
    assert set(ran[2][1:]) <= set(ran[1])


async def test_a_clock_set_back_does_not_silence_a_source(engine: Engine) -> None:
    engine.adopt([source(1, steady(1))])
    assert await engine.tick(TICK)
    assert await engine.tick(TICK - 7200)


async def test_changed_sources_begin_anew_and_removed_ones_end(engine: Engine) -> None:
    first, second = source(1, steady(1)), source(2, steady(2))
    engine.adopt([first, second])
    await engine.tick(TICK)
    engine.adopt([source(1, steady(1), interval=60)])
    outcomes = by_source(await engine.tick(TICK + 1))
    assert outcomes.keys() == {1}
    assert await engine.tick(TICK + 2) == []


async def test_no_more_run_at_once_than_the_bound(
    engine: Engine, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_slots", asyncio.Semaphore(3))
    running = []

    def wait(at: float) -> Readings:
        running.append(at)
        gate.wait(30)
        return {"rpm": 1}

    engine.adopt([source(n, wait) for n in range(1, 9)])
    await engine.tick(TICK)
    assert len(running) == 3
    gate.set()
    await until(engine, lambda found: len(found) == 8)


async def until(
    engine: Engine,
    enough: Callable[[dict[int, Outcome]], bool],
    step: int = 0,
) -> dict[int, Outcome]:
    """Tick until the newest outcomes satisfy `enough`, for at most five seconds."""
    found: dict[int, Outcome] = {}
    tick = TICK + step
    async with asyncio.timeout(5):
        while not enough(found):
            found |= by_source(await engine.tick(tick))
            tick += step
            await asyncio.sleep(0.01)
    return found
