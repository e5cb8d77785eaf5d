"""A small real user of an inbox: a worker that keeps a sum, in this process or in its own.

It keeps its total in memory and changes it before the commit, as a matcher does with its books. Run
as a program, it is a nursery: for each line "AT_ONCE,STEP,POINT" it forks a process that runs the
worker and kills itself with SIGKILL when it reaches POINT for the STEP-th time.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

POINTS = (
    "before take",
    "after take",
    "before settle",
    "after settle",
    "before commit",
    "after commit",
    "before wake-up",
    "after wake-up",
)

if __name__ == "__main__":
    import django

    django.setup()

from django.db import transaction  # noqa: E402

from realtime.errors import AppError, InvalidCommand  # noqa: E402
from realtime.models import LoggedEvent  # noqa: E402
from realtime.protocol import Event  # noqa: E402
from realtime.streams import publish  # noqa: E402
from realtime.streams.log import StreamKey  # noqa: E402
from realtime.streams.unit_of_work import emit, unit_of_work  # noqa: E402
from realtime.workers import inbox_rows, leases, loop, wakeups  # noqa: E402
from realtime.workers.inbox import Entry, Inbox  # noqa: E402
from realtime.workers.paces import OnWake  # noqa: E402
from realtime.workers.worker import Worker  # noqa: E402

APPLIED = StreamKey(1, "applied")


class Applied(Event, tag="applied"):
    amount: int
    total: int


class Add(msgspec.Struct, tag=True):
    amount: int


class Reset(msgspec.Struct, tag=True):
    pass


class Total(msgspec.Struct):
    total: int


additions: Inbox[Add | Reset, Total] = Inbox("counter", In=Add | Reset, Out=Total)


def applied() -> list[tuple[int, int]]:
    """Return the applied amounts, each with its running total, in order (synchronous)."""
    rows = LoggedEvent.objects.filter(stream__name=APPLIED.name).order_by("offset")
    events = map(msgspec.json.decode, rows.values_list("payload", flat=True))
    return [(event["amount"], event["total"]) for event in events]


class Counter(Worker):
    """Adds amounts, at most `at_once` per commit. Refuses negative amounts."""

    name = "counter"
    pace = OnWake(additions, within=0.05)
    at_once: ClassVar[int] = 2
    lives: ClassVar[int] = 0

    async def start(self) -> None:
        type(self).lives += 1
        history = await self.call(applied)
        self.total = history[-1][1] if history else 0

    async def step(self) -> None:
        await self.call(self.carry_out)

    def carry_out(self) -> None:
        entries = additions.take(self.at_once)
        if entries:
            with unit_of_work():
                additions.settle([(entry, self.apply(entry)) for entry in entries])

    def apply(self, entry: Entry[Add | Reset]) -> Total | AppError:
        command = entry.command
        amount = command.amount if isinstance(command, Add) else -self.total
        if isinstance(command, Add) and amount < 0:
            return InvalidCommand.field("amount", "It must not be negative.")
        self.total += amount
        emit(APPLIED, Applied(amount=amount, total=self.total))
        return Total(self.total)


# --- The nursery ------------------------------------------------------------------------------


def main(lines: Iterable[str]) -> None:
    """Fork a worker for each line; prints its process id and its exit code."""
    loop.ACQUIRE_EVERY = 0.05
    for line in lines:
        at_once, step, point = line.strip().split(",")
        child = os.fork()
        if child == 0:
            Counter.at_once = int(at_once)
            live(point, int(step))
        print(child, flush=True)  # noqa: T201
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


def live(point: str, step: int) -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # this process dies with the nursery
    if point:
        plant(point, step)

    async def run() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        await wakeups.get_listener()
        await loop.run(Counter, stopping)

    try:
        asyncio.run(run())
    except BaseException as error:  # noqa: BLE001 - reported, then the fork ends
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)
    os._exit(0)


def plant(point: str, step: int) -> None:
    """Make this process kill itself the `step`-th time that it reaches the point."""
    left = step

    def die() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    when, _, what = point.partition(" ")
    if point == "after commit":
        real = inbox_rows.settle

        def settle(*args: Any) -> int:
            transaction.on_commit(die)  # runs before the callback that notifies the askers
            return real(*args)

        inbox_rows.settle = settle
        return
    module, name = {
        "take": (inbox_rows, "waiting"),
        "settle": (inbox_rows, "settle"),
        "commit": (leases.HeldLease, "check"),
        "wake-up": (publish, "publish_outcomes"),
    }[what]
    # The fence is checked last before the commit.
    after = when == "after" or what == "commit"
    setattr(module, name, dying(getattr(module, name), die, after=after))


def dying(real: Callable[..., Any], die: Callable[[], None], *, after: bool) -> Callable[..., Any]:
    def wrapped(*args: Any) -> Any:
        if not after:
            die()
        result = real(*args)
        if after:
            die()
        return result

    return wrapped


if __name__ == "__main__":
    main(sys.stdin)
