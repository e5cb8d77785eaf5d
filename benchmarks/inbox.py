"""Benchmark of a worker's inbox: commands a second, and the time to the answer.

    python -m benchmarks.inbox            # SQLite, then PostgreSQL with fsync and Redis
    python -m benchmarks.inbox --smoke    # a few seconds, to see that it still runs

The baseline is "a transaction each": the command's row and the change that it makes, through the
ORM, in one transaction per command in a service thread, without a worker. On SQLite the worker runs
inside the requesting process; on PostgreSQL in a separate process, and both are woken through
Redis. "put" is the time until the command is durable, "answer" until the worker has committed its
outcome and the requesting task has it. CPU is that of the requesting process: on a shared machine
it is the most meaningful figure.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from statistics import quantiles
from typing import NamedTuple

if "PITWALL_DATA_DIR" not in os.environ:
    folder = tempfile.mkdtemp(prefix="pitwall-bench-")
    os.environ["PITWALL_DATA_DIR"] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_project.settings")
os.environ["PITWALL_WORKERS"] = "none"

import django

django.setup()

import msgspec  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from benchmarks.support.tables import table  # noqa: E402
from realtime.database import threads  # noqa: E402
from realtime.models import InboxEntry, Stream  # noqa: E402
from realtime.streams.unit_of_work import unit_of_work  # noqa: E402
from realtime.workers import loop, wakeups  # noqa: E402
from realtime.workers.inbox import Inbox  # noqa: E402
from realtime.workers.paces import OnWake  # noqa: E402
from realtime.workers.worker import Worker  # noqa: E402
from tools.lifetimes import tied  # noqa: E402

RATES = (100, 1000, 5000)
ASKERS = 500


class Add(msgspec.Struct):
    amount: int


class Total(msgspec.Struct):
    total: int


additions: Inbox[Add, Total] = Inbox("bench", In=Add, Out=Total)


class Adding(Worker):
    """Keeps a sum in memory and in one row."""

    name = "bench"
    pace = OnWake(additions)

    async def start(self) -> None:
        row = await self.call(Stream.objects.get, name="sum")
        self.total = row.head

    async def step(self) -> None:
        await self.call(self.carry_out)

    def carry_out(self) -> None:
        if entries := additions.take():
            with unit_of_work():
                additions.settle([(entry, self.add(entry.command)) for entry in entries])
                Stream.objects.filter(name="sum").update(head=self.total)

    def add(self, command: Add) -> Total:
        self.total += command.amount
        return Total(self.total)


@transaction.atomic
def add_at_once(amount: int) -> None:
    Stream.objects.filter(name="sum").update(head=F("head") + amount)
    total = Stream.objects.values_list("head", flat=True).get(name="sum")
    InboxEntry.objects.create(
        inbox="baseline",
        payload=f'{{"amount":{amount}}}',
        outcome=f'{{"total":{total}}}',
        done_at=Now(),
    )


Times = list[tuple[float, float]]  # seconds since the due time: until durable, until answered
Ask = Callable[[float, Times], Awaitable[None]]


async def through_the_inbox(due: float, times: Times) -> None:
    receipt = await additions.submit(Add(1), reply=True)
    put = time.perf_counter()
    await additions.outcome(receipt.id, within=60, look=False)
    times.append((put - due, time.perf_counter() - due))


async def in_a_transaction(due: float, times: Times) -> None:
    await threads.call(add_at_once, 1)
    took = time.perf_counter() - due
    times.append((took, took))


async def saturate(ask: Ask, seconds: float) -> tuple[float, float]:
    """Keep ASKERS requests in flight. Returns commands a second, and µs of CPU here per command."""
    cpu, until = time.process_time(), time.perf_counter() + seconds
    times: Times = []

    async def one_after_another() -> None:
        while (now := time.perf_counter()) < until:
            await ask(now, times)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(ASKERS)))
    speed = len(times) / (time.perf_counter() - began)
    return speed, 1e6 * (time.process_time() - cpu) / len(times)


async def at_rate(ask: Ask, rate: int, seconds: float) -> tuple[Times, bool]:
    """Send commands evenly at `rate`. Returns their times, and whether they kept up."""
    times: Times = []
    tasks = []
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (early := due - time.perf_counter()) > 0.001:
            await asyncio.sleep(early)
        tasks.append(asyncio.create_task(ask(due, times)))
    await asyncio.sleep(0)
    late = time.perf_counter() - (began + seconds)
    await asyncio.gather(*tasks)
    kept_up = late < 0.2 and time.perf_counter() - (began + seconds) < 1
    return times, kept_up


class Share(NamedTuple):
    p50: float
    p99: float


def share(values: list[float]) -> Share:
    cuts = quantiles(values, n=100)
    return Share(1000 * cuts[49], 1000 * cuts[98])


async def measure(smoke: bool) -> None:
    seconds = 0.3 if smoke else 5.0
    contenders: dict[str, Ask] = {
        "Pitwall's inbox": through_the_inbox,
        "a transaction each": in_a_transaction,
    }
    await wakeups.get_listener()
    stopping = asyncio.Event()
    inside = connection.vendor == "sqlite"
    running = asyncio.create_task(loop.run(Adding, stopping)) if inside else None
    for ask in contenders.values():  # warms up connections, caches, statements
        await asyncio.gather(*(ask(time.perf_counter(), []) for _ in range(50)))
    speeds: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for turn in range(1 if smoke else 3):  # A B, B A, A B
        for name in list(contenders)[:: -1 if turn % 2 else 1]:
            speeds[name].append(await saturate(contenders[name], seconds))
    middle = {name: sorted(found)[len(found) // 2] for name, found in speeds.items()}
    base, _ = middle["a transaction each"]
    print(f"{ASKERS} tasks that ask one after another\n")
    rows = [[name, speed, speed / base, cpu] for name, (speed, cpu) in middle.items()]
    print(table(["", "commands/s", "× baseline", "CPU µs each"], rows))
    for rate in RATES[:2] if smoke else RATES:
        rows = []
        for name, ask in contenders.items():
            # For one that cannot keep up, the times would only show the length of its queue.
            able = middle[name][0] > rate
            rows.append([name, *(await paced(ask, rate, seconds) if able else ["too fast"] * 5)])
        print(f"\n{rate:,} commands a second, ms\n")
        print(table(["", "put p50", "put p99", "answer p50", "answer p99", "kept up"], rows))
    stopping.set()
    if running is not None:
        await running


async def paced(ask: Ask, rate: int, seconds: float) -> list[object]:
    times, kept_up = await at_rate(ask, rate, seconds)
    put, answer = share([put for put, _ in times]), share([answer for _, answer in times])
    return [*put, *answer, "yes" if kept_up else "NO"]


def here(smoke: bool) -> None:
    """Measure on the environment's database, which was created for this purpose."""
    call_command("migrate", verbosity=0)
    Stream.objects.create(workspace_id=0, name="sum")
    connection.close()
    with worker_beside():
        asyncio.run(measure(smoke))


@contextmanager
def worker_beside() -> Iterator[None]:
    """Run the worker in a separate process, if the database allows other processes."""
    if connection.vendor == "sqlite":
        yield
        return
    process = subprocess.Popen(tied([sys.executable, "-m", "benchmarks.inbox", "--worker"]))
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def work() -> None:
    """Run the worker's process until it is told to end or its parent is gone."""
    parent = os.getppid()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(15, stopping.set)
    await wakeups.get_listener()
    running = asyncio.create_task(loop.run(Adding, stopping))
    while not stopping.is_set():
        await asyncio.sleep(0.5)
        if os.getppid() != parent:
            stopping.set()
    await running


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small numbers: does it run at all")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        asyncio.run(work())
        return
    if options.here:
        here(options.smoke)
        return
    from benchmarks.support.services import backing

    command = [sys.executable, "-m", "benchmarks.inbox", "--here"]
    command += ["--smoke"] if options.smoke else []
    plain = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    print("#### SQLite (WAL, synchronous=NORMAL), one process\n", flush=True)
    subprocess.run(command, env=plain, check=True)
    production = {"SECRET_KEY": "bench", "ALLOWED_HOSTS": "*"}
    production["CSRF_TRUSTED_ORIGINS"] = "http://localhost"
    with backing(durable=True) as variables:
        print(
            "\n#### PostgreSQL (fsync on), Redis, the worker in a process of its own\n", flush=True
        )
        subprocess.run(command, env=plain | production | variables, check=True)


if __name__ == "__main__":
    main()
