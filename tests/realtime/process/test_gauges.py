"""Gauges of a process: plain numbers, and numbers with a workspace and tags."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.models import Process
from realtime.process import gauges
from realtime.process.gauge_rows import Reading, pack, unpack
from realtime.process.gauges import Measure


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all gauges except the test's."""
    for name in ("_counters", "_gauges", "_many"):
        monkeypatch.setattr(gauges, name, {})
    monkeypatch.setattr(gauges, "_broken", set())


def readings() -> list[Reading]:
    return unpack(gauges.local_values().get("series"))


texts = st.text('abc_|{}"é', min_size=1, max_size=5)
tagged = st.builds(
    Reading,
    name=texts,
    value=st.floats(allow_nan=False, allow_infinity=False),
    workspace=st.none() | st.integers(1, 3),
    tags=st.dictionaries(texts, texts, max_size=3),
)


@settings(deadline=None)
@given(st.lists(tagged, max_size=20))
def test_what_is_written_into_a_row_is_read_from_it(written: list[Reading]) -> None:
    read = unpack(json.loads(json.dumps(pack(written))))
    assert sorted(map(repr, read)) == sorted(
        repr(each._replace(tags=dict(sorted(each.tags.items())))) for each in written
    )


def test_a_row_stays_small() -> None:
    prices = [
        Reading(name, 101.25, workspace=7, tags={"symbol": f"SYM{number:03}"})
        for name in ("last_price", "spread", "open_orders")
        for number in range(100)
    ]
    assert len(json.dumps(pack(prices))) < 300 * 22


@pytest.mark.parametrize(
    "row",
    [None, 7, {}, [7], [{}], [{"n": "x", "w": None, "t": ["a"], "r": [[1.0]]}],
     [{"n": "x", "w": None, "t": [], "r": [["much"]]}], [{"n": "x", "w": 1, "t": [], "r": 5}],
     [{"n": "x", "w": 1, "t": [], "r": [[float("nan")]]}]],
)  # fmt: skip
def test_what_another_release_writes_otherwise_is_passed_over(row: object) -> None:
    good = pack([Reading("rpm", 5.0, 1)])
    assert unpack(row) == []
    assert unpack([*row, *good] if isinstance(row, list) else good) == unpack(good)


def test_plain_numbers_stay_where_an_older_release_looks_for_them() -> None:
    gauges.counter("laps").add(3)
    gauges.gauge("lag", lambda: 0.5)
    assert gauges.local_values() == {"laps": 3, "lag": 0.5}


def test_numbers_may_belong_to_a_workspace_and_have_tags() -> None:
    gauges.counter("laps", workspace=7).add(2)
    gauges.counter("laps", workspace=7, tags={"car": "44"}).add()
    gauges.counter("laps", workspace=7, tags={"car": "44"}).add()
    gauges.gauge("speed", lambda: 310, tags={"car": "44"})
    assert readings() == [
        Reading("laps", 2, 7, {}),
        Reading("laps", 2, 7, {"car": "44"}),
        Reading("speed", 310, None, {"car": "44"}),
    ]


def test_one_function_can_offer_many_and_another_take_its_place() -> None:
    def speeds() -> Iterator[Reading]:
        for car in cars:
            yield Reading("speed", 300, 7, {"car": car})

    cars = ["44", "16"]
    withdraw = gauges.gauges(speeds)
    assert [each.tags["car"] for each in readings()] == ["44", "16"]
    cars.append("63")
    assert len(readings()) == 3
    gauges.gauges(speeds)
    assert len(readings()) == 3
    withdraw()
    assert gauges.local_values() == {}


def test_who_comes_later_is_not_taken_back_by_who_was_there_before() -> None:
    withdraw = gauges.gauge("speed", lambda: 1.0)
    gauges.gauge("speed", lambda: 2.0)
    withdraw()
    assert gauges.local_values() == {"speed": 2}


def test_a_gauge_that_fails_is_left_out_and_named_once_until_it_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = True

    def read() -> float:
        if broken:
            raise ZeroDivisionError("a bug")
        return 1.0

    def read_many() -> Iterator[Reading]:
        yield Reading("first", 1.0, 7)
        yield Reading("second", read(), 7)

    gauges.gauge("of_the_test", read)
    gauges.gauges(read_many)
    gauges.gauge("wrong", lambda: "much")  # type: ignore[arg-type, return-value]
    gauges.gauge("good", lambda: 5.0)
    for _ in range(3):
        assert gauges.local_values() == {"good": 5}
    assert [("of_the_test" in line, "a bug" in line) for line in caplog.messages[:1]] == [
        (True, True)
    ]
    assert len(caplog.messages) == 3
    broken = False
    assert gauges.local_values()["of_the_test"] == 1
    assert len(readings()) == 2
    broken = True
    gauges.local_values()
    assert len(caplog.messages) == 5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_no_value(value: float) -> None:
    gauges.gauge("plain", lambda: value)
    gauges.gauges(lambda: [Reading("rpm", value, 7), Reading("rpm", 1.0, 8)])
    assert readings() == [Reading("rpm", 1.0, 8)]
    assert "plain" not in gauges.local_values()


def test_there_is_a_limit_which_the_log_tells_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(gauges, "MAX_READINGS", 3)
    gauges.gauges(lambda: [Reading("rpm", 1.0, 7, {"car": str(car)}) for car in range(5)])
    gauges.gauge("plain", lambda: 1.0)
    for _ in range(2):
        assert [each.tags["car"] for each in readings()] == ["0", "1", "2"]
        assert gauges.local_values()["plain"] == 1
    (line,) = caplog.messages
    assert "5 readings, of which 3 are kept" in line


@pytest.mark.parametrize("name", ["", "Last", "last-price", "7", "x" * 65])
def test_a_measure_has_a_name_that_a_metric_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="metric"):
        Measure(name, "Last price")


def make_process(name: str, values: object, silent: float = 0) -> None:
    now = timezone.now()
    Process.objects.create(
        process_id=name,
        role="web",
        host="here",
        pid=1,
        started_at=now,
        seen_at=now - timedelta(seconds=silent),
        values=values,
    )


@pytest.mark.django_db
def test_rows_of_an_older_and_of_this_release_are_read_alike() -> None:
    gauges.counter("commits").add(5)
    gauges.gauge("rpm", lambda: 9_000, workspace=7, tags={"car": "44"})
    make_process("new", gauges.local_values())
    make_process("old", {"commits": 3})
    make_process("gone", {"commits": 99}, silent=6)
    new, old = gauges.snapshot()
    assert (new.values, old.values) == ({"commits": 5}, {"commits": 3})
    assert new.series == (Reading("rpm", 9_000, 7, {"car": "44"}),)
    assert old.series == ()
