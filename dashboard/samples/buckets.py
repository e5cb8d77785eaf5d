"""Buckets of a chart's time range: which table to read, and how wide they are. Pure.

Buckets are aligned to the epoch, so that a sliding window keeps its buckets and a chart does not
flicker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from dashboard.samples.instants import DAY, HOUR, MINUTE, SECOND

MAX_POINTS = 2000

_RAW_WIDTHS = (
    *(SECOND // 10, SECOND // 5, SECOND // 2),
    *(SECOND * n for n in (1, 2, 5, 10, 15, 30)),
)
_ROLLUP_WIDTHS = (
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
)


@dataclass(frozen=True)
class Buckets:
    """A grid: bucket n covers [origin + n * width, origin + (n + 1) * width), microseconds.

    `rollups`: read the 1-minute rollups rather than the samples.
    """

    rollups: bool
    width: int
    origin: int = 0

    def start_of(self, number: int) -> int:
        return self.origin + number * self.width


def choose(start: int, end: int, points: int, *, raw_from: int = 0, at_least: int = 0) -> Buckets:
    """Return the finest grid that covers [start, end) with at most `points` buckets.

    Args:
        start, end: microseconds since the epoch, start < end.
        points: at least 1.
        raw_from: samples before this are gone; a range that begins earlier is read from rollups.
        at_least: the least width in microseconds, for a source that is read less often.
    """
    raw = start >= raw_from
    if points == 1:
        return _one_bucket(start, end, raw)
    for width in _widths(raw):
        if width >= at_least and _buckets(start, end, width) <= points:
            return Buckets(rollups=width >= MINUTE, width=width)
    raise AssertionError("the widths are endless")


def _one_bucket(start: int, end: int, raw: bool) -> Buckets:
    # On the grid even a short range may touch two buckets, so this one starts with the range.
    if raw and end - start < MINUTE:
        return Buckets(rollups=False, width=end - start, origin=start)
    origin = start // MINUTE * MINUTE
    return Buckets(rollups=True, width=-(-(end - origin) // MINUTE) * MINUTE, origin=origin)


def _widths(raw: bool) -> Iterator[int]:
    if raw:
        yield from _RAW_WIDTHS
    yield from _ROLLUP_WIDTHS
    yield from (DAY * n for n in count(1))


def _buckets(start: int, end: int, width: int) -> int:
    return (end - 1) // width - start // width + 1
