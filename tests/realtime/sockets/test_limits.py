"""The token bucket: pure, with the time passed in."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.sockets.limits import TokenBucket

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
