"""Selections of a connection, and the frames that it gets."""

import json
from typing import Any

import pytest

from dashboard.protocol import MetricChanged, MetricCreated, MetricDeleted, SeriesSelector
from dashboard.samples import instants
from dashboard.selection import (
    EVERYTHING,
    NOTHING,
    Measured,
    Selection,
    Tagged,
    catalogue,
    measured,
    merge,
    payload,
    tagged,
)

TICK = payload("2026-11-21T23:00:00.000000Z", [("system", "cpu_usage", 12.5), ("custom", "rpm", 3)])


def frame(selection: Selection, tick: dict[str, Any] = TICK) -> Any:
    frames = selection.frames(tick)
    return json.loads(frames[0]) if frames else None


def test_only_what_was_subscribed_to_is_in_the_frame_and_all_groups_are_there() -> None:
    assert frame(NOTHING.add(["cpu_usage"])) == {
        "type": "realtime_metrics",
        "timestamp": "2026-11-21T23:00:00.000000Z",
        "metrics": {"system": {"cpu_usage": 12.5}, "business": {}, "custom": {}},
    }


def test_everything_includes_what_nobody_named() -> None:
    metrics = frame(EVERYTHING)["metrics"]
    assert metrics == {"system": {"cpu_usage": 12.5}, "business": {}, "custom": {"rpm": 3}}


def test_a_tick_with_nothing_of_the_selection_makes_no_frame() -> None:
    assert frame(NOTHING.add(["memory_usage"])) is None


def test_equal_selections_share_a_frame_whatever_the_order_of_asking() -> None:
    one, other = NOTHING.add(["a", "b"]), NOTHING.add(["b"]).add(["a"])
    assert one == other
    assert hash(one) == hash(other)


def test_the_wildcard_takes_over_what_was_named_before() -> None:
    assert NOTHING.add(["a"]).add(["*"]).listed() == ["*"]


def test_taking_off_tells_what_was_really_taken_off() -> None:
    left, taken = NOTHING.add(["a", "b"]).remove(["b", "unknown"], [])
    assert (left.listed(), taken) == (["a"], ["b"])


def test_one_metric_taken_off_everything_leaves_the_others() -> None:
    left, taken = EVERYTHING.remove(["b"], ["a", "b", "c"])
    assert (left.listed(), taken) == (["a", "c"], ["b"])


def test_an_unknown_metric_taken_off_everything_changes_nothing() -> None:
    assert EVERYTHING.remove(["unknown"], ["a"]) == (EVERYTHING, [])


def test_the_wildcard_takes_off_all() -> None:
    assert NOTHING.add(["a"]).remove(["*"], []) == (NOTHING, ["a"])
    assert EVERYTHING.remove(["*"], []) == (NOTHING, ["*"])


def test_a_frame_that_was_skipped_lives_on_in_the_next_for_what_that_does_not_have() -> None:
    newer = payload("2026-11-21T23:00:01.000000Z", [("system", "cpu_usage", 99.0)])
    assert merge(TICK, newer) == {
        "timestamp": "2026-11-21T23:00:01.000000Z",
        "metrics": {"system": {"cpu_usage": 99.0}, "business": {}, "custom": {"rpm": 3}},
    }


LAB, HALL = {"room": "lab", "side": "left"}, {"room": "hall"}


def temperatures(second: int, **values: float) -> dict[str, Any]:
    """Return a payload of two series of one metric (the lab's is its value) and one of another."""
    places: dict[str, tuple[int, str, dict[str, str], bool]] = {
        "lab": (1, "temperature", LAB, True),
        "hall": (2, "temperature", HALL, False),
        "rpm": (3, "rpm", {}, True),
    }
    return measured(
        [
            Measured(second * instants.SECOND, number, "custom", metric, tags, live, values[name])
            for name, (number, metric, tags, live) in places.items()
            if name in values
        ]
    )


def series_frames(selection: Selection, published: dict[str, Any]) -> list[Any]:
    frames = [json.loads(each) for each in selection.frames(published)]
    return [
        [(each["metric"], each["tags"], each["value"]) for each in frame["data"]]
        for frame in frames
        if frame["type"] == "series_metrics"
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Tagged("temperature"), [("temperature", LAB, 21.0), ("temperature", HALL, 18.0)]),
        (Tagged("temperature", (("room", "lab"),)), [("temperature", LAB, 21.0)]),
        (Tagged("temperature", (("room", "lab"), ("side", "left"))), [("temperature", LAB, 21.0)]),
        (Tagged("rpm"), [("rpm", {}, 7.0)]),
    ],
)
def test_a_selection_takes_every_series_that_has_its_tags(wanted: Tagged, expected: Any) -> None:
    tick = temperatures(1, lab=21.0, hall=18.0, rpm=7.0)
    assert series_frames(NOTHING.add_series([wanted]), tick) == [expected]


@pytest.mark.parametrize(
    "wanted", [Tagged("temperature", (("room", "yard"),)), Tagged("rpm", (("room", "lab"),))]
)
def test_a_tick_without_a_series_that_has_the_tags_makes_no_frame(wanted: Tagged) -> None:
    tick = temperatures(1, lab=21.0, hall=18.0, rpm=7.0)
    assert NOTHING.add_series([wanted]).frames(tick) == []


def test_a_series_that_two_selections_take_is_in_the_frame_once() -> None:
    both = NOTHING.add_series([Tagged("temperature"), Tagged("temperature", (("room", "lab"),))])
    assert series_frames(both, temperatures(1, lab=21.0)) == [[("temperature", LAB, 21.0)]]


def test_a_metric_keeps_one_number_and_the_time_of_that_number() -> None:
    tick = merge(temperatures(1, lab=21.0), temperatures(9, hall=18.0))
    frames = [
        json.loads(frame) for frame in EVERYTHING.add_series([Tagged("temperature")]).frames(tick)
    ]
    assert [frame["timestamp"] for frame in frames] == [
        "1970-01-01T00:00:01.000000Z",
        "1970-01-01T00:00:09.000000Z",
    ]
    assert frames[0]["metrics"]["custom"] == {"temperature": 21.0}


def test_of_skipped_frames_each_series_keeps_its_newest_value() -> None:
    older = temperatures(1, lab=21.0, hall=18.0)
    newer = temperatures(2, lab=22.0, rpm=7.0)
    expected = temperatures(2, lab=22.0, hall=18.0, rpm=7.0)
    assert merge(older, newer) == expected
    assert merge(older, TICK)["series"] == older["series"]
    assert merge(TICK, older)["series"] == older["series"]


def test_selections_of_series_are_equal_whatever_the_order_of_their_tags() -> None:
    one = tagged(SeriesSelector(metric="rpm", tags={"a": "x", "b": "y"}))
    other = tagged(SeriesSelector(metric="rpm", tags={"b": "y", "a": "x"}))
    assert NOTHING.add_series([one]) == NOTHING.add_series([other])
    left, taken = NOTHING.add_series([one]).remove_series([other, Tagged("gear")])
    assert (left, taken) == (NOTHING, [one])
    assert not left


def test_metrics_and_series_are_taken_off_apart() -> None:
    both = NOTHING.add(["rpm"]).add_series([Tagged("gear")])
    assert both.remove(["*"], [])[0] == NOTHING.add_series([Tagged("gear")])
    assert both.add(["*"]).remove(["rpm"], ["rpm", "gear"])[0].listed_series() == [
        SeriesSelector(metric="gear")
    ]
    assert both.remove_series([Tagged("gear")])[0] == NOTHING.add(["rpm"])


def created(name: str, unit: str = "") -> MetricCreated:
    return MetricCreated(metric=name, group="custom", unit=unit, title=name, decimals=1)


def changed(name: str, unit: str) -> MetricChanged:
    return MetricChanged(metric=name, group="custom", unit=unit, title=name, decimals=1)


def test_what_changes_in_the_catalogue_comes_to_all_who_follow_anything() -> None:
    news = catalogue([created("gear"), MetricDeleted(metric="rpm")])
    for selection in (EVERYTHING, NOTHING.add(["fuel"]), NOTHING.add_series([Tagged("fuel")])):
        frames = [json.loads(frame) for frame in selection.frames(news)]
        assert [(each["type"], each["metric"]) for each in frames] == [
            ("metric_created", "gear"),
            ("metric_deleted", "rpm"),
        ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([created("a"), changed("a", "V")], created("a", "V")),
        ([changed("a", "V"), changed("a", "W")], changed("a", "W")),
        ([created("a"), MetricDeleted(metric="a")], MetricDeleted(metric="a")),
        ([MetricDeleted(metric="a"), created("a", "V")], created("a", "V")),
    ],
)
def test_who_lags_gets_of_each_metric_what_it_is_now(events: list[Any], expected: Any) -> None:
    merged = merge(*(catalogue([event]) for event in events))
    assert EVERYTHING.frames(merged) == [expected.encode()]


def test_what_happened_to_different_metrics_is_all_told_to_who_lags() -> None:
    merged = merge(merge(catalogue([created("a")]), TICK), catalogue([changed("b", "V")]))
    kinds = [json.loads(frame)["type"] for frame in EVERYTHING.frames(merged)]
    assert kinds == ["metric_created", "metric_changed", "realtime_metrics"]
