"""Workers: one holder at a time, fenced; a failed one ends, and the next starts afresh."""

import asyncio

import pytest
from django.db import OperationalError

from realtime.database import threads
from realtime.database.fences import fenced
from realtime.models import Lease
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers import leases, loop
from realtime.workers.paces import Every
from realtime.workers.worker import Worker, register, registry

pytestmark = pytest.mark.django_db(transaction=True)


class Counting(Worker):
    """Counts its steps."""

    name = "counting"
    pace = Every(0.01)
    steps = 0

    async def step(self) -> None:
        type(self).steps += 1


@pytest.fixture
def stopping():
    return asyncio.Event()


async def until(condition, within=5.0):
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


def test_of_two_who_ask_one_gets_the_lease():
    assert leases.acquire("matching", "one") is not None
    assert leases.acquire("matching", "two") is None


def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_epoch():
    first = leases.acquire("matching", "one")
    Lease.objects.update(expires_at="2020-01-01T00:00:00Z")
    second = leases.acquire("matching", "two")
    assert first is not None
    assert second is not None
    assert second.epoch == first.epoch + 1
    with pytest.raises(leases.LeaseLost):
        leases.renew(first)
    leases.renew(second)


def test_a_former_holder_cannot_commit():
    first = leases.acquire("matching", "one")
    Lease.objects.update(expires_at="2020-01-01T00:00:00Z")
    leases.acquire("matching", "two")
    with pytest.raises(leases.LeaseLost), fenced(first), unit_of_work():
        Lease.objects.create(name="written too late", expires_at="2020-01-01T00:00:00Z")
    assert not Lease.objects.filter(name="written too late").exists()


def test_a_lease_given_back_is_free_at_once():
    lease = leases.acquire("matching", "one")
    assert lease
    leases.release(lease)
    assert leases.acquire("matching", "two") is not None


async def test_a_worker_steps_until_it_is_told_to_stop(stopping):
    Counting.steps = 0
    running = asyncio.create_task(loop.run(Counting, stopping))
    await until(lambda: Counting.steps >= 3)
    stopping.set()
    await running
    assert (await threads.call(Lease.objects.get, name="counting")).holder == ""


async def test_only_one_of_two_processes_runs_a_worker(stopping):
    Counting.steps = 0
    held = await threads.call(leases.acquire, "counting", "another process")
    running = asyncio.create_task(loop.run(Counting, stopping))
    await asyncio.sleep(0.1)
    assert Counting.steps == 0
    await threads.call(leases.release, held)
    await until(lambda: Counting.steps > 0)
    stopping.set()
    await running


async def test_a_worker_whose_step_breaks_ends_with_that_error(stopping):
    class Breaking(Worker):
        """Fails."""

        name = "breaking"

        async def step(self) -> None:
            raise AssertionError("an invariant is broken")

    with pytest.raises(AssertionError, match="invariant"):
        await loop.run(Breaking, stopping)


async def test_a_supervised_worker_begins_anew_with_nothing_of_the_failed_one(stopping):
    made = []

    class Fragile(Worker):
        """Fails the first time."""

        name = "fragile"

        async def start(self) -> None:
            made.append(self)

        async def step(self) -> None:
            if len(made) == 1:
                raise RuntimeError("once")

    running = asyncio.create_task(loop.run_supervised(Fragile, stopping))
    await until(lambda: len(made) == 2)
    stopping.set()
    await running
    assert made[0] is not made[1]


@pytest.mark.parametrize("repeats", [False, True])
async def test_after_a_database_that_was_away_only_an_idempotent_step_keeps_its_instance(
    stopping, monkeypatch, repeats
):
    monkeypatch.setattr(loop, "backoff", lambda failures: 0.01)
    stepped, stopped = [], []

    class Patient(Worker):
        """Uses a database that refuses twice."""

        name = "patient"
        pace = Every(0.01)
        idempotent_steps = repeats

        async def step(self) -> None:
            stepped.append(self)
            if len(stepped) <= 2:
                raise OperationalError("the database is away")

        async def stop(self) -> None:
            stopped.append(self)

    running = asyncio.create_task(loop.run(Patient, stopping))
    await until(lambda: len(stepped) >= 4)
    stopping.set()
    await running
    assert len(set(stepped)) == (1 if repeats else 3)
    assert stopped == list(dict.fromkeys(stepped))
    assert (await threads.call(Lease.objects.get, name="patient")).holder == ""


async def test_each_instance_of_a_worker_has_an_epoch_of_its_own(stopping, monkeypatch):
    monkeypatch.setattr(loop, "backoff", lambda failures: 0.01)
    epochs = []

    class Failing(Worker):
        """Uses a database that refuses every time."""

        name = "failing"

        async def start(self) -> None:
            epochs.append(self.lease.epoch)
            raise OperationalError("the database is away")

    running = asyncio.create_task(loop.run(Failing, stopping))
    await until(lambda: len(epochs) >= 3)
    stopping.set()
    await running
    assert epochs[:3] == [1, 2, 3]


def test_two_workers_of_one_name_are_a_mistake():
    class Another(Worker):
        """Has a name that is already taken."""

        name = "counting"

    register(Counting)
    try:
        with pytest.raises(ValueError, match="counting"):
            register(Another)
    finally:
        registry.unregister("counting")
