"""Heartbeats and deadlines: pure, with the time passed in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.process.load import LoopLag
from realtime.sockets.heartbeat import HeartbeatTimer

seconds = st.floats(0, 100)
load = st.floats(0, 1)
# Responses to heartbeats: the round trip, or None if the answer never comes.
answers = st.lists(st.none() | st.floats(0, 60), max_size=40)


def lived(beat: HeartbeatTimer, line: list[float | None], load: float = 0.0) -> list[float]:
    """Send each heartbeat when it is due, answered as in `line`; returns the intervals."""
    now, intervals = 0.0, []
    for number, answer in enumerate(line):
        stamp = str(number)
        beat.sent(now, stamp)
        if answer is not None:
            beat.acknowledged(now + answer, stamp)
        now = beat.next_at
        assert beat.due(now, load)
        intervals.append(beat.interval)
    return intervals


def test_a_heartbeat_is_due_once_an_interval_and_never_rarer_than_28_5_seconds():
    beat = HeartbeatTimer(now=0, interval=300, timeout=45)
    assert not beat.due(28.4)
    assert beat.due(28.5)
    assert not beat.due(28.6)
    assert beat.due(57)


@given(st.floats(0.5, 300), st.lists(st.floats(0, 1.2), min_size=1, max_size=60), load)
def test_heartbeats_come_every_30_seconds_though_they_are_due_only_at_a_look(interval, late, busy):
    """The Hub checks about once a second, and `late` seconds after a heartbeat was due."""
    beat = HeartbeatTimer(now=0, interval=interval, timeout=45)
    sent = 0.0
    for seconds_late in late:
        now = beat.next_at + seconds_late
        assert beat.due(now, busy)
        assert now - sent <= 30
        sent = now


@given(st.floats(0.5, 300), st.floats(1, 300), answers, st.lists(load, min_size=1))
def test_whatever_happens_the_interval_stays_between_10_and_30_seconds(
    interval, timeout, line, loads
):
    beat = HeartbeatTimer(now=0, interval=interval, timeout=timeout)
    for busy in loads:
        for chosen in lived(beat, line, busy):
            assert chosen <= 28.5
            # It is shorter only if the configuration says so.
            assert chosen >= min(10, interval, timeout * 2 / 3) - 1e-9
            # The answer to the last heartbeat before the timeout can still arrive in time.
            assert chosen <= max(interval, timeout * 2 / 3) + 1e-9


@given(answers, load, load)
def test_a_busier_server_never_sends_more_often(line, one, other):
    less, more = sorted((one, other))
    calm = lived(HeartbeatTimer(0, 15, 45), line, less)
    busy = lived(HeartbeatTimer(0, 15, 45), line, more)
    assert all(b >= c - 1e-9 for c, b in zip(calm, busy, strict=True))


@given(st.floats(0, 10), st.floats(0, 10), st.integers(1, 30))
def test_a_slower_line_is_never_asked_less_often(one, other, count):
    quick, slow = sorted((one, other))
    on_quick = lived(HeartbeatTimer(0, 15, 45), [quick] * count)
    on_slow = lived(HeartbeatTimer(0, 15, 45), [slow] * count)
    assert on_slow[-1] <= on_quick[-1] + 1e-9


def test_a_line_that_loses_heartbeats_is_asked_more_and_more_often():
    beat = HeartbeatTimer(0, 15, 45)
    intervals = lived(beat, [0.02, None, None, None, None])
    assert intervals[0] > 14
    assert all(later < earlier for earlier, later in pairwise(intervals[1:]))
    recovered = lived(beat, [0.02] * 20)
    assert recovered[-1] > 14


def test_a_peer_that_never_answers_heartbeats_is_not_taken_for_a_bad_line():
    beat = HeartbeatTimer(0, 15, 45)
    assert set(lived(beat, [None] * 10)) == {15}


def test_a_busy_server_sends_every_28_5_seconds():
    beat = HeartbeatTimer(0, 15, 45)
    assert lived(beat, [0.02, 0.02], load=1.0)[-1] == pytest.approx(28.5)


def test_the_round_trip_is_from_the_heartbeat_to_its_own_answer():
    beat = HeartbeatTimer(0, 15, 45)
    beat.sent(0, "first")
    beat.sent(15, "second")
    beat.acknowledged(15.5, "second")
    assert beat.round_trip.smoothed == pytest.approx(0.5)
    beat.acknowledged(16, "first")
    beat.acknowledged(99, "the client's own clock")
    assert beat.round_trip.smoothed == pytest.approx(0.5)


def test_an_answer_without_a_timestamp_is_to_the_newest_heartbeat():
    beat = HeartbeatTimer(0, 15, 45)
    beat.acknowledged(1, None)
    assert beat.round_trip.smoothed is None
    beat.sent(15, "one")
    beat.acknowledged(15.2, None)
    assert beat.round_trip.smoothed == pytest.approx(0.2)


@given(st.lists(seconds, min_size=1))
def test_the_smoothed_round_trip_is_within_what_was_measured(measured):
    beat = HeartbeatTimer(0, 15, 45)
    for number, trip in enumerate(measured):
        beat.sent(number * 1000, str(number))
        beat.acknowledged(number * 1000 + trip, str(number))
    assert min(measured) - 1e-6 <= beat.round_trip.smoothed <= max(measured) + 1e-6


def test_any_frame_is_life():
    beat = HeartbeatTimer(now=0, interval=15, timeout=45)
    assert not beat.silent(45)
    assert beat.silent(45.1)
    beat.heard(45.1)
    assert not beat.silent(90)


def test_the_deadline_to_authenticate_ends_with_authentication():
    beat = HeartbeatTimer(now=0, interval=15, timeout=45, authenticate_within=30)
    assert beat.too_late_to_authenticate(31)
    beat.authenticated()
    assert not beat.too_late_to_authenticate(31)


@given(st.lists(st.floats(-1, 100)))
def test_load_is_between_0_and_1(late):
    lag = LoopLag()
    for seconds_late in late:
        lag.observe(seconds_late)
        assert 0 <= lag.load <= 1


def test_a_loop_that_is_late_again_and_again_counts_as_busy_until_it_is_not():
    lag = LoopLag()
    for _ in range(20):
        lag.observe(0.5)
    assert lag.load == 1
    for _ in range(40):
        lag.observe(0)
    assert lag.load < 0.01
