"""Dividing a range into buckets."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.samples.buckets import Buckets, choose
from dashboard.samples.instants import DAY, HOUR, MINUTE, SECOND

NOW = 1_795_303_126_123_456

ranges = st.tuples(
    st.integers(0, NOW), st.integers(1, 366 * DAY), st.integers(1, 2000), st.booleans()
)


@given(ranges)
def test_the_buckets_cover_the_range_and_are_no_more_than_asked_for(
    asked: tuple[int, int, int, bool],
) -> None:
    start, span, points, raw = asked
    grid = choose(start, start + span, points, raw_from=0 if raw else start + 1)
    first = (start - grid.origin) // grid.width
    last = (start + span - 1 - grid.origin) // grid.width
    assert last - first + 1 <= points
    assert grid.start_of(first) <= start
    assert start + span <= grid.start_of(last + 1)
    if grid.rollups:
        assert grid.width % MINUTE == 0
        assert grid.origin % MINUTE == 0
    else:
        assert raw


def test_a_short_range_is_read_from_samples_and_a_long_one_from_rollups() -> None:
    assert choose(NOW - HOUR, NOW, 300) == Buckets(rollups=False, width=15 * SECOND)
    assert choose(NOW - DAY, NOW, 300) == Buckets(rollups=True, width=5 * MINUTE)


def test_a_range_that_begins_where_samples_are_gone_is_read_from_rollups() -> None:
    assert choose(NOW - HOUR, NOW, 300, raw_from=NOW).rollups


def test_a_source_that_is_read_once_a_minute_gets_no_buckets_of_a_second() -> None:
    assert choose(NOW - HOUR, NOW, 2000, at_least=MINUTE).width == MINUTE


def test_a_sliding_window_keeps_its_buckets() -> None:
    earlier, later = choose(NOW - HOUR, NOW, 100), choose(NOW - HOUR + SECOND, NOW + SECOND, 100)
    assert earlier == later
