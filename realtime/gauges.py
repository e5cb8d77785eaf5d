"""Numbers that apps offer by name: counters and gauges of this process, and of all others.

Each process writes its numbers to the table `realtime_process` once a second (realtime.reporter);
`snapshot` reads those of every process that is alive. Counters are monotone within a process:
a reader takes differences per process id, so a restart is a new process and never a step back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from realtime.models import Process


class Counter:
    """A count that only grows; `add` may be called from any thread."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._value: float = 0
        self._lock = threading.Lock()

    def add(self, amount: float = 1) -> None:
        with self._lock:
            self._value += amount

    @property
    def value(self) -> float:
        return self._value


@dataclass(frozen=True)
class ProcessReading:
    """The numbers of one live process, as it last reported them."""

    process_id: str
    started_at: datetime
    seen_at: datetime
    values: dict[str, float]


_counters: dict[str, Counter] = {}
_gauges: dict[str, Callable[[], float]] = {}


def counter(name: str) -> Counter:
    """The process's counter of that name, made on first use."""
    return _counters.setdefault(name, Counter())


def gauge(name: str, read: Callable[[], float]) -> None:
    """Offer a number that is read on the event loop; the last registration wins."""
    _gauges[name] = read


def local_values() -> dict[str, float]:
    """All numbers of this process now."""
    values = {name: counter.value for name, counter in _counters.items()}
    return values | {name: float(read()) for name, read in _gauges.items()}


def snapshot() -> list[ProcessReading]:
    """The numbers of every process alive (synchronous: reads the database)."""
    return [
        ProcessReading(row.process_id, row.started_at, row.seen_at, row.values)
        for row in Process.alive()
    ]


http_requests = counter("http_requests")
http_errors = counter("http_errors")
http_seconds = counter("http_seconds")
commits = counter("commits")
frames_received = counter("frames_received")
