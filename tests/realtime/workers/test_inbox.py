"""Commands are durable, take effect once and in order, and outcomes come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from realtime.database import fences, threads
from realtime.errors import AppError, Conflict, InvalidCommand, RateLimited, TooLarge, pack, unpack
from realtime.models import InboxEntry, Lease
from realtime.process import gauges
from realtime.streams import publish
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers import inbox, inbox_gauges, leases, outcomes, wakeups
from realtime.workers.inbox import Entry, Inbox, NoOutcome, Put
from realtime.workers.leases import HeldLease, LeaseLost
from realtime.workers.loop import run
from realtime.workers.paces import OnWake
from realtime.workers.retention import InboxExpiry
from realtime.workers.worker import Worker, register, registry, states
from tests.support.counter import Add, Counter, Reset, Total, additions, applied

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def running(*worker_types: type[Worker]) -> AsyncIterator[None]:
    await wakeups.get_listener()
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(run(each, stopping)) for each in worker_types]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


async def until(condition: Callable[[], Any], within: float = 30) -> None:
    async with asyncio.timeout(within):
        while not await threads.call(condition):
            await asyncio.sleep(0.01)


def put(*amounts: int, **more: Any) -> list[int]:
    with unit_of_work():
        return [additions.put(Add(amount), **more).id for amount in amounts]


def take_and_settle(limit: int = 100) -> list[int]:
    """Settle the waiting entries; returns the amounts."""
    entries = additions.take(limit)
    with unit_of_work():
        additions.settle((entry, Total(entry.id)) for entry in entries)
    return [entry.command.amount for entry in entries if isinstance(entry.command, Add)]


# --- Asking -----------------------------------------------------------------------------------


async def test_a_door_puts_a_command_and_gets_what_came_of_it() -> None:
    async with running(Counter):
        assert await additions.ask(Add(5), within=10) == Total(5)
        assert await additions.ask(Add(7), within=10) == Total(12)
        assert await additions.ask(Reset(), within=10) == Total(0)
    assert await threads.call(applied) == [(5, 5), (7, 12), (-12, 0)]


async def test_commands_that_come_at_once_are_applied_once_each_and_share_commits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Counter, "at_once", 30)
    await wakeups.get_listener()
    before = gauges.commits.value
    receipts = await asyncio.gather(*(additions.submit(Add(n)) for n in range(100)))
    assert gauges.commits.value - before <= 2
    assert [receipt.id for receipt in receipts] == sorted(receipt.id for receipt in receipts)
    async with running(Counter):
        await until(lambda: len(applied()) == 100)
    assert [amount for amount, _ in await threads.call(applied)] == list(range(100))


async def test_a_refusal_is_raised_at_the_door_as_the_worker_made_it() -> None:
    async with running(Counter):
        with pytest.raises(InvalidCommand) as refused:
            await additions.ask(Add(-1), within=10)
        assert refused.value.errors == {"amount": ["It must not be negative."]}
        assert await additions.ask(Add(1), within=10) == Total(1)


@pytest.mark.parametrize(
    "error",
    [
        TooLarge("too much"),
        RateLimited("too often", retry_after=1.5),
        Conflict("no", errors={"price": ["moved", "again"]}),
    ],
    ids=str,
)
def test_an_error_is_the_same_after_its_way_between_processes(error: AppError) -> None:
    found = unpack(msgspec.json.decode(msgspec.json.encode(pack(error))))
    assert (type(found).code, found.status) == (type(error).code, error.status)
    assert isinstance(found, type(error)) or type(error) in type(found).__mro__
    assert (found.message, found.errors, found.retry_after) == (
        error.message,
        error.errors,
        error.retry_after,
    )


async def test_without_a_worker_the_asker_is_told_so_and_the_command_stays() -> None:
    with pytest.raises(NoOutcome):
        await additions.ask(Add(3), within=0.05)
    async with running(Counter):
        await until(lambda: applied() == [(3, 3)])


async def test_the_layer_carries_the_outcome_and_nobody_asks_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = []

    def settled(ids: Any) -> dict[int, outcomes.Outcome]:
        looks.append(ids)
        return {}

    monkeypatch.setattr(outcomes, "settled", settled)
    async with running(Counter):
        for number in range(1, 6):
            assert await additions.ask(Add(1), within=10) == Total(number)


async def test_what_the_layer_lost_is_looked_up_for_all_that_wait_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[int] = []
    real = outcomes.settled

    def settled(ids: Any) -> Any:
        looks.append(len(ids))
        return real(ids)

    monkeypatch.setattr(outcomes, "settled", settled)
    monkeypatch.setattr(publish, "publish_outcomes", lambda *lost: None)
    monkeypatch.setattr(publish, "publish_wakeup", lambda *lost: None)
    async with running(Counter):
        totals = await asyncio.gather(*(additions.ask(Add(1), within=10) for _ in range(20)))
    assert sorted(total.total for total in totals) == list(range(1, 21))
    assert len(looks) < 10
    assert looks[0] == 20


async def test_an_outcome_that_is_faster_than_its_asker_is_kept_for_it() -> None:
    async with running(Counter):
        receipt = await additions.submit(Add(4), reply=True)
        await until(lambda: applied() == [(4, 4)])
        await asyncio.sleep(0.05)
        assert await additions.outcome(receipt.id, within=0.05, look=False) == Total(4)


async def test_what_was_settled_before_is_found_by_anybody() -> None:
    (entry_id,) = await threads.call(put, 8)
    await threads.call(take_and_settle)
    assert await additions.outcome(entry_id, within=5) == Total(entry_id)


async def test_an_asker_that_is_cancelled_leaves_the_command_and_the_others_alone() -> None:
    leaving, staying = (asyncio.create_task(additions.ask(Add(n), within=10)) for n in (1, 2))
    await until(lambda: InboxEntry.objects.count() == 2)
    leaving.cancel()
    async with running(Counter):
        assert await staying == Total(3)


# --- Putting ----------------------------------------------------------------------------------


def test_a_put_is_part_of_its_unit_of_work() -> None:
    with unit_of_work():
        additions.put(Add(1))
        transaction.set_rollback(True)
    assert additions.take() == []
    ids = put(1, 2, 3)
    assert ids == sorted(ids)
    assert take_and_settle() == [1, 2, 3]


def test_the_same_command_under_the_same_key_is_put_once() -> None:
    first = additions.put(Add(1), key="7:a")
    again = additions.put(Add(1), key="7:a")
    assert (first.duplicate, again) == (False, (first.id, True))
    assert take_and_settle() == [1]
    assert additions.put(Add(1), key="7:a") == (first.id, True)
    assert not additions.put(Add(1), key="8:a").duplicate
    with pytest.raises(Conflict):
        additions.put(Add(2), key="7:a")


def test_keys_of_one_batch_know_each_other_and_refuse_nobody_else() -> None:
    additions.put(Add(0), key="old")
    results = additions.put_all(
        [
            Put(Add(1), key="a"),
            Put(Add(2)),
            Put(Add(1), key="a"),
            Put(Add(9), key="a"),
            Put(Add(0), key="old"),
            Put(Add(5), key="old"),
            Put(Add(3), key="b"),
        ]
    )
    kinds = [isinstance(r, AppError) or ("again" if r.duplicate else "new") for r in results]
    assert kinds == ["new", "new", "again", True, "again", True, "new"]
    assert take_and_settle() == [0, 1, 2, 3]


@pytest.mark.services
async def test_of_two_processes_that_put_under_one_key_at_once_one_is_first() -> None:
    async def both(key: str) -> None:
        receipts = await asyncio.gather(
            *(threads.call(additions.put, Add(1), key=key) for _ in range(8))
        )
        assert len({receipt.id for receipt in receipts}) == 1
        assert sum(not receipt.duplicate for receipt in receipts) == 1

    for number in range(10):
        await both(f"1:{number}")
    assert await threads.call(InboxEntry.objects.count) == 10


async def test_an_asker_under_a_key_gets_the_first_ones_outcome() -> None:
    async with running(Counter):
        assert await additions.ask(Add(5), key="1:x", within=10) == Total(5)
        assert await additions.ask(Add(5), key="1:x", within=10) == Total(5)
    assert await threads.call(applied) == [(5, 5)]


# --- Taking -----------------------------------------------------------------------------------


@pytest.mark.services
async def test_a_command_that_is_committed_late_is_not_passed_over() -> None:
    late, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        with unit_of_work():
            additions.put(Add(1))
            loop.call_soon_threadsafe(late.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)

    slow_put = asyncio.create_task(threads.call(slow))
    await late.wait()
    await threads.call(put, 2)
    assert await threads.call(take_and_settle) == [2]
    go_on.set()
    await slow_put
    assert await threads.call(take_and_settle) == [1]


def test_what_cannot_be_read_is_refused_and_holds_up_nobody(caplog: Any) -> None:
    put(1)
    InboxEntry.objects.create(inbox="counter", payload='{"type":"Add","amount":"much"}')
    InboxEntry.objects.create(inbox="counter", payload="{")
    put(2)
    assert take_and_settle() == [1, 2]
    assert take_and_settle() == []
    refused = InboxEntry.objects.filter(refused=True, done_at__isnull=False)
    assert [msgspec.json.decode(row.outcome or "")["code"] for row in refused] == [
        "invalid_command"
    ] * 2
    assert "cannot be read" in (refused[0].outcome or "")
    assert len([r for r in caplog.records if "counter is refused" in r.getMessage()]) == 2


async def test_a_bug_of_the_worker_ends_it_and_its_command_waits_for_the_next() -> None:
    class Broken(Counter):
        def apply(self, entry: Entry[Any]) -> Total:
            raise ZeroDivisionError

    await threads.call(put, 1)
    with pytest.raises(ZeroDivisionError):
        await run(Broken, asyncio.Event())
    async with running(Counter):
        await until(lambda: applied() == [(1, 1)])


def test_nothing_is_settled_twice() -> None:
    put(1)
    (entry,) = additions.take()
    additions.settle([(entry, Total(1))])
    with pytest.raises(RuntimeError, match="twice"):
        additions.settle([(entry, Total(2))])
    assert InboxEntry.objects.get().outcome == '{"total":1}'


def test_among_a_million_that_are_done_the_waiting_ones_are_found_by_their_index() -> None:
    done = timezone.now()
    InboxEntry.objects.bulk_create(
        InboxEntry(inbox="counter", payload="{}", done_at=done) for _ in range(5000)
    )
    put(1, 2)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE realtime_inboxentry")
    with CaptureQueriesContext(connection) as captured:
        additions.take(10)
    (statement,) = (q["sql"] for q in captured if q["sql"].startswith("SELECT"))
    plan = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{plan} {statement}")
        rows = str(cursor.fetchall())
    assert "realtime_inboxentry_waiting" in rows


# --- Pacing -----------------------------------------------------------------------------------


async def test_a_full_batch_is_followed_at_once_by_the_next() -> None:
    class Patient(Counter):
        pace = OnWake(additions, within=3600)

    await threads.call(put, *range(20))
    async with running(Patient):
        await until(lambda: len(applied()) == 20)


async def test_a_lost_wakeup_costs_no_more_than_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(Counter):
        await additions.ask(Add(1), within=10)
        monkeypatch.setattr(publish, "publish_wakeup", lambda group: None)
        assert await additions.ask(Add(1), within=10) == Total(2)


async def test_a_wakeup_on_its_way_stands_for_those_that_follow() -> None:
    heard: list[Any] = []
    listener = await wakeups.get_listener()
    await listener.add(additions.group, heard.append)
    for _ in range(50):
        publish.publish_wakeup(additions.group)
    await until(lambda: heard)
    assert len(heard) == 1
    publish.publish_wakeup(additions.group)
    await until(lambda: len(heard) == 2)


# --- Concurrent workers -----------------------------------------------------------------------

jobs: Inbox[Add, Total] = Inbox("jobs-of-tests", In=Add, Out=Total, shared=True)


def claim(lease: HeldLease, limit: int = 10) -> list[Entry[Add]]:
    with fences.fenced(lease):
        return jobs.take(limit)


def settle(lease: HeldLease, *entries: Entry[Add]) -> None:
    with fences.fenced(lease), unit_of_work():
        jobs.settle((entry, Total(entry.command.amount)) for entry in entries)


def slot(number: int) -> HeldLease:
    lease = leases.acquire(f"jobs:{number}", "test")
    assert lease is not None
    return lease


def put_jobs(number: int) -> None:
    jobs.put_all([Put(Add(n)) for n in range(number)])


def test_what_one_slot_has_claimed_no_other_gets() -> None:
    put_jobs(5)
    one, two = slot(0), slot(1)
    mine, others = claim(one, 3), claim(two)
    assert [entry.command.amount for entry in mine] == [0, 1, 2]
    assert [entry.command.amount for entry in others] == [3, 4]
    assert claim(one) == []
    settle(one, *mine)
    settle(two, *others)
    assert not InboxEntry.objects.filter(done_at=None).exists()


@pytest.mark.parametrize("how", ["ran out", "given back", "taken by another"])
def test_the_claims_of_a_dead_slot_are_free_again(how: str) -> None:
    put_jobs(1)
    dead, living = slot(0), slot(1)
    (entry,) = claim(dead)
    assert claim(living) == []
    if how == "given back":
        leases.release(dead)
    else:
        Lease.objects.filter(name=dead.name).update(expires_at="2020-01-01T00:00:00Z")
    if how == "taken by another":
        assert leases.acquire(dead.name, "another") is not None
    (again,) = claim(living)
    assert again.id == entry.id
    with pytest.raises(LeaseLost):
        settle(dead, entry)
    settle(living, again)
    assert InboxEntry.objects.get().claimed_by == living.name


async def test_slots_share_the_work_and_no_entry_is_done_twice() -> None:
    done: list[int] = []
    names: set[str] = set()

    class Jobs(Worker):
        """Does one job after another."""

        name = "jobs"
        slots = 3
        pace = OnWake(jobs, within=0.05)

        async def step(self) -> None:
            for entry in await self.call(jobs.take, 1):
                done.append(entry.command.amount)
                names.add(self.lease.name)
                await asyncio.sleep(0.001)
                await self.call(self.settle, entry)

        def settle(self, entry: Entry[Add]) -> None:
            with unit_of_work():
                jobs.settle([(entry, Total(0))])

    await threads.call(put_jobs, 60)
    register(Jobs)
    try:
        async with running(Jobs, Jobs, Jobs):
            await until(lambda: not InboxEntry.objects.filter(done_at=None).exists())
            assert (await threads.call(states))["jobs"] == "running"
        assert (await threads.call(states))["jobs"] == "stopped"
    finally:
        registry.unregister("jobs")
    assert sorted(done) == list(range(60))
    assert names == {"jobs:0", "jobs:1", "jobs:2"}


def test_slots_on_an_inbox_for_one_are_a_mistake() -> None:
    class Greedy(Counter):
        name = "greedy"
        slots = 2

    with pytest.raises(ValueError, match="shared"):
        register(Greedy)


def test_only_a_worker_takes_from_a_shared_inbox() -> None:
    put_jobs(1)
    with pytest.raises(RuntimeError):
        jobs.take()


# --- Keeping ----------------------------------------------------------------------------------


def test_settled_entries_go_after_their_time_and_waiting_ones_never(settings: Any) -> None:
    settings.INBOX_RETENTION = timedelta(days=1)
    long_ago = timezone.now() - timedelta(days=2)
    ids = put(*range(4))
    InboxEntry.objects.all().update(created_at=long_ago)
    InboxEntry.objects.filter(pk=ids[0]).update(done_at=long_ago)
    InboxEntry.objects.filter(pk=ids[1]).update(done_at=timezone.now())
    InboxEntry.objects.filter(pk=ids[3]).update(done_at=long_ago)
    expire()
    assert list(InboxEntry.objects.order_by("pk").values_list("pk", flat=True)) == ids[1:3]


def test_retention_goes_through_all_that_is_old_and_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("realtime.workers.retention.BATCH", 3)
    long_ago = timezone.now() - timedelta(days=9)
    put(*range(20))
    InboxEntry.objects.all().update(created_at=long_ago, done_at=long_ago)
    young = put(*range(20))
    batches = expire()
    assert batches < 10
    assert InboxEntry.objects.count() == len(young)


def expire() -> int:
    expiry = InboxExpiry()
    expiry.begin()
    batches = 1
    while expiry.remove_some():
        batches += 1
    return batches


async def test_depth_and_age_of_the_oldest_are_gauges() -> None:
    await threads.call(put, 1, 2, 3)
    measuring = asyncio.create_task(inbox_gauges.keep([Counter]))
    try:
        await until(lambda: gauges.local_values().get("inbox_depth.counter") == 3)
        assert 0 <= gauges.local_values()["inbox_oldest.counter"] < 60
    finally:
        measuring.cancel()
    assert (await threads.call(inbox.backlogs))["jobs-of-tests"] == (0, 0.0)


def test_two_inboxes_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="counter"):
        Inbox("counter", In=Add, Out=Total)
    with pytest.raises(ValueError, match="name"):
        Inbox("No name", In=Add, Out=Total)


def test_a_put_in_a_change_that_is_rolled_back_wakes_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(
        publish, "_hand_over", lambda *sent: woken.extend(group for group, _ in sent)
    )
    with transaction.atomic():
        put(1)
        transaction.set_rollback(True)
    assert woken == []
    put(1)
    assert woken == [additions.group]
