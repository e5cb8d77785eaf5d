"""The ranges that clients request histories for."""

from typing import Any

import pytest

from dashboard.samples import instants
from dashboard.samples.ranges import Range, resolve
from realtime.errors import InvalidCommand

NOW = 1_795_303_126_123_456


def asked(**fields: Any) -> Range:
    return resolve(**{"hours": None, "start": None, "end": None, "points": None} | fields, now=NOW)


def test_hours_end_now() -> None:
    assert asked(hours=2, points=50) == Range(NOW - 2 * instants.HOUR, NOW, 50)


def test_without_any_range_it_is_the_last_hour() -> None:
    assert asked() == Range(NOW - instants.HOUR, NOW, 300)


def test_a_start_without_an_end_ends_now() -> None:
    assert asked(start=1795300000).end == NOW


def test_start_and_end_are_taken_in_either_spelling() -> None:
    assert asked(start="2026-11-21T22:00:00Z", end=1795302000.5) == Range(
        instants.parse("2026-11-21T22:00:00Z"), 1795302000500000, 300
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"hours": 0}, "hours"),
        ({"hours": -1}, "hours"),
        ({"hours": 1e9}, "hours"),
        ({"hours": float("nan")}, "hours"),
        ({"hours": 1, "start": 1795300000}, "hours"),
        ({"end": 1795300000}, "start"),
        ({"start": "soon"}, "start"),
        ({"start": 1795300000, "end": "later"}, "end"),
        ({"start": 1795300000, "end": 1795300000}, "end"),
        ({"start": 1}, "start"),
        ({"points": 0}, "points"),
        ({"points": 2001}, "points"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        asked(**fields)
    assert list(refused.value.errors or {}) == [field]
