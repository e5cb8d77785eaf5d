"""Items that wait together share a commit; an error in one item does not affect the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import pytest
from django.db import OperationalError

from realtime.database.batching import Batcher
from realtime.database.fences import Unfenced, fenced
from realtime.errors import AppError, Conflict

# Service threads return their connections even when they were not used.
pytestmark = pytest.mark.django_db(transaction=True)


class Store:
    """A service that doubles numbers, and fails in various ways for some of them."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.resume = threading.Event()
        self.resume.set()

    def __call__(self, batch: Sequence[int]) -> list[int | AppError]:
        self.resume.wait(10)
        self.batches.append(list(batch))
        if 0 in batch:
            raise OperationalError("the database is away")
        if 13 in batch:
            raise ZeroDivisionError
        return [Conflict("no") if number == 7 else 2 * number for number in batch]


@pytest.fixture
def store() -> Store:
    return Store()


async def submit(batcher: Batcher[int, int], *numbers: int) -> list[Any]:
    waiting = (batcher.submit(number) for number in numbers)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_items_that_come_together_are_stored_together(store: Store) -> None:
    assert await submit(Batcher(store), *range(1, 6)) == [2, 4, 6, 8, 10]
    assert store.batches == [[1, 2, 3, 4, 5]]


async def test_what_comes_during_a_batch_makes_the_next_and_none_is_larger_than_the_limit(
    store: Store,
) -> None:
    batcher = Batcher(store, limit=3)
    store.resume.clear()
    first = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0.01)
    others = asyncio.create_task(submit(batcher, *range(2, 7)))
    await asyncio.sleep(0.01)
    store.resume.set()
    assert [await first, *await others] == [2, 4, 6, 8, 10, 12]
    assert store.batches == [[1], [2, 3, 4], [5, 6]]


async def test_a_refused_item_does_not_hold_up_the_others(store: Store) -> None:
    one, refused, two = await submit(Batcher(store), 1, 7, 2)
    assert (one, two, type(refused)) == (2, 4, Conflict)
    assert len(store.batches) == 1


async def test_an_item_that_breaks_the_service_fails_alone(store: Store) -> None:
    results = await submit(Batcher(store), 1, 13, 2)
    assert (results[0], type(results[1]), results[2]) == (2, ZeroDivisionError, 4)


async def test_a_database_that_is_away_fails_all_and_is_asked_once(store: Store) -> None:
    batcher = Batcher(store)
    results = await submit(batcher, 1, 0, 2)
    assert [type(result) for result in results] == [OperationalError] * 3
    assert len(store.batches) == 1
    assert await submit(batcher, 3) == [6]


async def test_a_caller_that_is_cancelled_leaves_its_item_and_the_others_alone(
    store: Store,
) -> None:
    batcher = Batcher(store)
    store.resume.clear()
    leaving, staying = (asyncio.create_task(batcher.submit(number)) for number in (1, 2))
    await asyncio.sleep(0.01)
    leaving.cancel()
    store.resume.set()
    assert await staying == 4
    assert sorted(number for batch in store.batches for number in batch) == [1, 2]


def test_one_batcher_serves_one_event_loop_after_another(store: Store) -> None:
    batcher = Batcher(store)
    for number in (1, 2):
        assert asyncio.run(submit(batcher, number)) == [2 * number]


whose: ContextVar[str] = ContextVar("whose", default="nobody's")


async def test_a_batch_runs_in_nobodys_context() -> None:
    batcher: Batcher[int, str] = Batcher(lambda batch: [whose.get() for _ in batch])
    whose.set("the first caller's")
    assert await batcher.submit(1) == "nobody's"


async def test_a_worker_cannot_store_past_its_fence(store: Store) -> None:
    class Held:
        def check(self) -> None:
            """The fence is held."""

    with fenced(Held()), pytest.raises(Unfenced):
        await Batcher(store).submit(1)
    assert store.batches == []
