"""The time range of a history request. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from dashboard.samples import instants
from dashboard.samples.buckets import MAX_POINTS
from realtime.errors import InvalidCommand

DEFAULT_HOURS = 1.0
DEFAULT_POINTS = 300
MAX_HOURS = 24 * 366


class Range(NamedTuple):
    """[start, end) in microseconds since the epoch, in at most `points` points."""

    start: int
    end: int
    points: int


def resolve(
    *,
    hours: float | None,
    start: object | None,
    end: object | None,
    points: int | None,
    now: int,
) -> Range:
    """Parse a client's range: `hours` up to `now`, or `start` to `end` (by default `now`).

    Args:
        start, end: RFC 3339 strings or epoch seconds.
        now: microseconds since the epoch.

    Raises:
        InvalidCommand: the range is invalid; the errors are by field.
    """
    if points is None:
        points = DEFAULT_POINTS
    if not 1 <= points <= MAX_POINTS:
        raise _invalid("points", f"From 1 to {MAX_POINTS} points.")
    if start is None:
        if end is not None:
            raise _invalid("start", "An end needs a start.")
        return Range(now - _span(hours), now, points)
    if hours is not None:
        raise _invalid("hours", "Either hours, or start and end.")
    first = _instant("start", start)
    last = now if end is None else _instant("end", end)
    if last <= first:
        raise _invalid("end", "The end is after the start.")
    if last - first > MAX_HOURS * instants.HOUR:
        raise _invalid("start", f"At most {MAX_HOURS} hours at once.")
    return Range(first, last, points)


def _span(hours: float | None) -> int:
    hours = DEFAULT_HOURS if hours is None else hours
    if not (math.isfinite(hours) and 1 / 3600 <= hours <= MAX_HOURS):
        raise _invalid("hours", f"From a second (1/3600) to {MAX_HOURS} hours.")
    return round(hours * instants.HOUR)


def _instant(field: str, value: object) -> int:
    try:
        return instants.parse(value)
    except ValueError as error:
        raise _invalid(field, str(error)) from None


def _invalid(field: str, reason: str) -> InvalidCommand:
    return InvalidCommand(f"{field}: {reason}", errors={field: [reason]})
