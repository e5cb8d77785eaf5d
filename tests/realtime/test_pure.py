"""Token bucket and heartbeat deadlines: pure, with the time passed in."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.heartbeat import Heartbeat
from realtime.limits import TokenBucket

steps = st.lists(st.floats(0, 10), max_size=60)


@given(st.floats(0.1, 100), st.integers(1, 50), steps)
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(rate, burst, waits):
    now, taken = 0.0, 0
    bucket = TokenBucket(rate, burst, now)
    for wait in waits:
        now += wait
        taken += bucket.take(now) == 0
        assert taken <= burst + rate * now + 1e-6


@given(st.floats(0.1, 100), st.integers(1, 50), steps)
def test_after_the_time_it_names_a_bucket_gives_again(rate, burst, waits):
    now = 0.0
    bucket = TokenBucket(rate, burst, now)
    for wait in waits:
        now += wait
        if retry_after := bucket.take(now):
            now += retry_after + 1e-6
            assert bucket.take(now) == 0


def test_a_bucket_says_how_many_it_would_take():
    bucket = TokenBucket(rate=1, burst=3, now=0)
    assert bucket.remaining(0) == 3
    bucket.take(0)
    assert bucket.remaining(0) == 2
    assert bucket.remaining(1) == 3


def test_a_heartbeat_is_due_once_an_interval_and_never_rarer_than_30_seconds():
    beat = Heartbeat(now=0, interval=300, timeout=45)
    assert not beat.due(29.9)
    assert beat.due(30)
    assert not beat.due(30.1)
    assert beat.due(60)


def test_any_frame_is_life():
    beat = Heartbeat(now=0, interval=15, timeout=45)
    assert not beat.silent(45)
    assert beat.silent(45.1)
    beat.heard(45.1)
    assert not beat.silent(90)


def test_the_deadline_to_authenticate_ends_with_authentication():
    beat = Heartbeat(now=0, interval=15, timeout=45, authenticate_within=30)
    assert beat.too_late_to_authenticate(31)
    beat.authenticated()
    assert not beat.too_late_to_authenticate(31)
