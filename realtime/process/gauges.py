"""Counters and gauges that apps register by name: of this process, and of all others.

Each process writes its numbers to the table `realtime_process` once a second (process.reporter);
`snapshot` reads those of every process that is alive. Counters are monotonic within a process.
Readers take differences per process id, so a restart is a new process and never a decrease.

A number may belong to a workspace and have tags. One whose name is declared as a `Measure` becomes
a metric of the workspace, with a series for each set of tags (dashboard.collection.application).
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from realtime.models import Process
from realtime.process.gauge_rows import NO_TAGS, Reading, pack, unpack
from realtime.registries import Registry, qualified_name

logger = logging.getLogger(__name__)

# Limit of the numbers with a workspace or tags in a process's row, which is written every second.
MAX_READINGS = 1000
# Their key among the plain numbers of a row: an older release does not look for this name.
SERIES = "series"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

Read = Callable[[], float]
ReadMany = Callable[[], Iterable[Reading]]
Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Measure:
    """A number that becomes a metric in the dashboards.

    Args:
        combine: how to combine the numbers of several processes: take their sum, the largest, or
            that of the process that reported last. "rate": the number is a counter, and the metric
            is its growth per second in all processes together.

    Raises:
        ValueError: the name is not valid for a metric.
    """

    name: str
    title: str
    unit: str = ""
    decimals: int = 1
    combine: Literal["sum", "max", "last", "rate"] = "sum"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be a metric's name: use a-z, 0-9 and _.")


measures: Registry[Measure] = Registry("measure")
declare = measures.register


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
    """The numbers of one live process, as it last reported them.

    `values` holds the plain ones by name, `series` those with a workspace or tags.
    """

    process_id: str
    started_at: datetime
    seen_at: datetime
    values: dict[str, float]
    series: tuple[Reading, ...] = ()


_Place = tuple[str, int | None, Tags]
_counters: dict[_Place, Counter] = {}
_gauges: dict[_Place, Read] = {}
_many: dict[str, ReadMany] = {}
# Problems already logged: each is logged once, and again only after it has recovered.
_broken: set[str] = set()


def counter(
    name: str, *, workspace: int | None = None, tags: Mapping[str, str] = NO_TAGS
) -> Counter:
    """Return the process's counter of that name, workspace and tags, created on first use.

    It lives as long as the process, so use tags with few values, such as the symbols of a venue.
    """
    return _counters.setdefault(_place(name, workspace, tags), Counter())


def gauge(
    name: str,
    read: Read,
    *,
    workspace: int | None = None,
    tags: Mapping[str, str] = NO_TAGS,
) -> Callable[[], None]:
    """Register a number that is read on the event loop; the last registration wins.

    Returns a function that unregisters it.
    """
    return _offer(_gauges, _place(name, workspace, tags), read)


def gauges(read: ReadMany) -> Callable[[], None]:
    """Register a function that yields many numbers on the event loop; their tags may change.

    The last registration of a function or method wins. Returns a function that unregisters it.
    """
    return _offer(_many, qualified_name(read), read)


def local_values() -> dict[str, Any]:
    """Return all current numbers of this process, in the format of its row.

    Skips gauges that fail or have no finite value.
    """
    values: dict[str, Any] = {}
    series: list[Reading] = []
    for reading in _readings():
        if reading.workspace is None and not reading.tags:
            values[reading.name] = reading.value
        else:
            series.append(reading)
    _say_once(
        "the number of readings",
        len(series) > MAX_READINGS and f"{len(series)} readings, of which {MAX_READINGS} are kept",
    )
    if series:
        values[SERIES] = pack(series[:MAX_READINGS])
    return values


def snapshot() -> list[ProcessReading]:
    """Return the numbers of every live process (synchronous: reads the database)."""
    return [
        ProcessReading(
            row.process_id,
            row.started_at,
            row.seen_at,
            {name: value for name, value in row.values.items() if name != SERIES},
            tuple(unpack(row.values.get(SERIES))),
        )
        for row in Process.alive()
    ]


def _place(name: str, workspace: int | None, tags: Mapping[str, str]) -> _Place:
    return name, workspace, tuple(sorted(tags.items()))


def _offer(offered: dict[Any, Any], place: Any, read: Any) -> Callable[[], None]:
    offered[place] = read

    def withdraw() -> None:
        # Only if it has not been replaced meanwhile.
        if offered.get(place) is read:
            del offered[place]

    return withdraw


def _readings() -> Iterator[Reading]:
    for (name, workspace, tags), one in list(_counters.items()):
        yield Reading(name, one.value, workspace, dict(tags))
    for (name, workspace, tags), read in list(_gauges.items()):
        place = Reading(name, 0.0, workspace, dict(tags))
        yield from _try(name, partial(_read_one, read, place))
    for name, read_many in list(_many.items()):
        yield from _try(name, partial(_read_all, read_many))


def _read_one(read: Read, place: Reading) -> list[Reading]:
    return _finite([place._replace(value=read())])


def _read_all(read: ReadMany) -> list[Reading]:
    return _finite(read())


def _finite(readings: Iterable[Reading]) -> list[Reading]:
    found = [
        # Most are floats already, and there may be a thousand: avoid copies.
        reading if type(reading.value) is float else reading._replace(value=float(reading.value))
        for reading in readings
    ]
    # A row is JSON, which has neither NaN nor infinities.
    return [reading for reading in found if math.isfinite(reading.value)]


def _try(name: str, read: Callable[[], list[Reading]]) -> list[Reading]:
    """Return the result of `read`, or nothing if it fails: a broken gauge must not stop reports."""
    try:
        readings = read()
    except Exception as error:  # noqa: BLE001 - an app's function may raise anything
        _say_once(name, repr(error))
        return []
    _say_once(name, None)
    return readings


def _say_once(what: str, trouble: str | bool | None) -> None:
    if not trouble:
        _broken.discard(what)
    elif what not in _broken:
        _broken.add(what)
        logger.warning("Not all numbers are reported: %s: %s", what, trouble)


http_requests = counter("http_requests")
http_errors = counter("http_errors")
http_seconds = counter("http_seconds")
commits = counter("commits")
frames_received = counter("frames_received")
