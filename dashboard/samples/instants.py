"""Times of samples: integer microseconds since the epoch, UTC. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Year 9999: the last that datetime and RFC 3339 can represent.
_LATEST_SECONDS = 253_402_300_799


def from_datetime(moment: datetime) -> int:
    """Convert exactly, unlike `timestamp() * 1e6`, which is off by one for some microseconds."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def rfc3339(at: int) -> str:
    """Format `at` as the protocol does: UTC, microseconds, Z."""
    return to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(value: object) -> int:
    """Parse a client's time: RFC 3339 with an offset, or epoch seconds.

    Raises:
        ValueError: it is neither, or out of range; the message is for the client.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("A time is an RFC 3339 string or a number of seconds since the epoch.")
    if not math.isfinite(value) or not 0 <= value <= _LATEST_SECONDS:
        raise ValueError("Out of range: a number is read as seconds since the epoch.")
    if isinstance(value, int):
        return value * SECOND
    return round(value * SECOND)


def minute_of(at: int) -> int:
    """Return the minute since the epoch that contains `at`."""
    return at // MINUTE


def _parse_text(text: str) -> int:
    if len(text) > 40:
        raise ValueError("This is no RFC 3339 time.")
    try:
        # RFC 3339 allows t and z; fromisoformat does not know the latter.
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("This is no RFC 3339 time.") from None
    if moment.tzinfo is None:
        raise ValueError("The time needs an offset from UTC, such as Z or +02:00.")
    at = from_datetime(moment)
    if at < 0:
        raise ValueError("Times before 1970 cannot be stored.")
    return at
