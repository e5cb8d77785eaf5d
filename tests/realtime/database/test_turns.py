"""Turns of users: fair, bounded, and slower for those who use more than their share."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.database import threads
from realtime.database.turns import ACTIVE, BURST, DEBT, Turn, Turns
from realtime.errors import RateLimited


class Office:
    """Turns whose time is passed in; keeps what is running, in the order of its start."""

    def __init__(self, threads: int = 4, share: float = 0.2, most_waiting: int = 100) -> None:
        self.turns = Turns(threads, share, most_waiting)
        self.started: list[int] = []
        self.now = 100.0

    def ask(self, user: int, **how: Any) -> Turn:
        return self.turns.ask(user, lambda: self.started.append(user), self.now, **how)

    def done(self, turn: Turn, used: float = 0.001) -> None:
        self.turns.done(turn, used, self.now)

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.turns.advance(self.now)


def test_users_who_wait_take_turns_however_much_each_has_asked_for() -> None:
    office = Office(threads=1)
    asked = [office.ask(user) for user in (1, 1, 1, 1, 2, 2, 3)]
    while running := [turn for turn in asked if not turn.waiting]:
        asked.remove(running[0])
        office.done(running[0])
    assert office.started == [1, 1, 2, 3, 1, 2, 1]


def test_one_user_does_not_take_all_threads() -> None:
    office = Office(threads=4)
    for _ in range(10):
        office.ask(1)
    office.ask(2)
    assert Counter(office.started) == {1: 2, 2: 1}


def test_a_turn_that_is_not_wanted_any_more_leaves_its_place() -> None:
    office = Office(threads=1)
    running, unwanted = office.ask(1), office.ask(2)
    office.ask(3)
    office.turns.withdraw(unwanted, office.now)
    office.done(running)
    assert office.started == [1, 3]


def test_too_many_waiting_turns_of_one_user_are_refused_and_others_are_not() -> None:
    office = Office(threads=1, most_waiting=3)
    for _ in range(4):
        office.ask(1)
    with pytest.raises(RateLimited) as refused:
        office.ask(1)
    assert refused.value.retry_after
    office.ask(2)
    office.ask(1, refuse=False)


def test_slow_work_takes_no_more_than_the_share_while_others_are_active() -> None:
    office = Office()
    computing = 0.0
    waiting = [office.ask(1) for _ in range(3)]
    end = office.now + 60
    while office.now < end:
        quick = office.ask(2)
        assert not quick.waiting
        office.done(quick)
        running = [turn for turn in waiting if not turn.waiting]
        if running:
            office.now += 0.3
            computing += 0.3
            for turn in running:
                waiting.remove(turn)
                office.done(turn, 0.3 / len(running))
                waiting.append(office.ask(1))
        else:
            office.later(0.05)
    assert computing <= 60 * 0.2 + BURST + DEBT


def test_a_user_who_is_alone_never_pauses() -> None:
    office = Office()
    for _ in range(100):
        turn = office.ask(1)
        assert not turn.waiting
        office.now += 0.3
        office.done(turn, 0.3)
        office.now += 0.01


def test_others_who_have_gone_do_not_make_anybody_pause() -> None:
    office = Office()
    office.done(office.ask(2))
    office.later(ACTIVE + 0.1)
    for _ in range(20):
        turn = office.ask(1)
        assert not turn.waiting
        office.done(turn, 0.3)


def test_quick_work_one_after_the_other_never_pauses() -> None:
    office = Office()
    slow = office.ask(2)
    for _ in range(1000):
        turn = office.ask(1)
        assert not turn.waiting
        office.now += 0.01
        office.done(turn, 0.01)
        slow.lane.seen = office.now


def test_time_that_the_system_spent_for_a_user_counts() -> None:
    office = Office()
    office.done(office.ask(1))
    office.ask(2)
    office.turns.charge(1, DEBT, office.now)
    first, second = office.ask(1), office.ask(1)
    assert (first.waiting, second.waiting) == (False, True)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "done", "withdraw", "later"]), st.integers(0, 7)),
        max_size=80,
    )
)
def test_every_turn_comes_once_and_nothing_is_left_behind(steps: list[tuple[str, int]]) -> None:
    office = Office(threads=3)
    live: list[Turn] = []
    granted: Counter[int] = Counter()
    numbers = count()
    for act, number in steps:
        turn = live[number % len(live)] if live else None
        if act == "ask":
            index = next(numbers)
            asked = office.turns.ask(
                number % 3, lambda index=index: granted.update([index]), office.now
            )
            live.append(asked)
        elif act == "later":
            office.later(number / 2)
        elif turn is not None and act == "withdraw":
            live.remove(turn)
            office.turns.withdraw(turn, office.now)
        elif turn is not None and not turn.waiting:
            live.remove(turn)
            office.done(turn, number / 10)
    for _ in range(200):
        for turn in [each for each in live if not each.waiting]:
            live.remove(turn)
            office.done(turn)
        office.later(1)
    assert not live
    assert all(times == 1 for times in granted.values())
    assert office.turns._running == 0


@pytest.fixture
def small_pool(settings: Any) -> Any:
    settings.SERVICE_THREADS = 3
    settings.REALTIME_LIMITS = {**settings.REALTIME_LIMITS, "max_waiting_per_user": 2}
    threads._pool.cache_clear()
    threads._turns.cache_clear()
    yield
    threads._pool.cache_clear()
    threads._turns.cache_clear()


async def test_the_system_does_not_wait_behind_users(small_pool: Any) -> None:
    free = threading.Event()
    busy = [asyncio.create_task(threads.call_for(user, free.wait, 5)) for user in (1, 2)]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(threads.call(lambda: "done"), 2) == "done"
    free.set()
    await asyncio.gather(*busy)


async def test_a_full_queue_is_refused_and_the_rest_is_answered(small_pool: Any) -> None:
    free = threading.Event()
    busy = [asyncio.create_task(threads.call_for(1, free.wait, 5)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await threads.call_for(1, len, "")
    with pytest.raises(RateLimited), threads.request_turn(1):
        pass
    free.set()
    assert await asyncio.gather(*busy) == [True, True, True]
    assert await threads.call_for(1, len, "abc") == 3


async def test_a_cancelled_call_gives_its_turn_back(small_pool: Any) -> None:
    free = threading.Event()
    busy = asyncio.create_task(threads.call_for(1, free.wait, 5))
    waiting = asyncio.create_task(threads.call_for(1, len, ""))
    await asyncio.sleep(0.01)
    waiting.cancel()
    busy.cancel()
    await asyncio.gather(busy, waiting, return_exceptions=True)
    free.set()
    assert await asyncio.wait_for(threads.call_for(2, len, "ab"), 2) == 2


async def test_a_pause_ends_though_nobody_asks_for_anything_any_more(small_pool: Any) -> None:
    assert await threads.call_for(1, len, "") == 0
    assert await threads.call_for(2, len, "") == 0
    threads.charge(1, DEBT)
    calls = [threads.call_for(1, len, "abc") for _ in range(3)]
    assert await asyncio.wait_for(asyncio.gather(*calls), ACTIVE + 3) == [3, 3, 3]


async def test_a_requests_turn_is_one_of_the_users_turns(small_pool: Any) -> None:
    free = threading.Event()
    busy = asyncio.create_task(threads.call_for(1, free.wait, 5))
    await asyncio.sleep(0.01)

    def request() -> str:
        with threads.request_turn(1):
            return "answered"

    waiting = asyncio.create_task(asyncio.to_thread(request))
    free.set()
    assert await asyncio.wait_for(waiting, 3) == "answered"
    await busy
