"""What a connection follows, and the frames it gets."""

import json
from typing import Any

from dashboard.selection import EVERYTHING, NOTHING, Selection, merge, payload

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
