"""The pace of a transfer: bytes put its deadline off, but never far."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.server.pace import Pace

RATE, GRACE = 1000.0, 15.0
moves = st.lists(
    st.tuples(st.floats(0, 5), st.integers(0, 10**7)), max_size=40
)  # seconds since the last one, bytes


@given(moves)
def test_who_moves_nothing_is_late_after_the_grace_whatever_was_before(done):
    now = 0.0
    pace = Pace(RATE, GRACE, now)
    for later, count in done:
        now += later
        pace.moved(count, now)
    assert pace.late(now + GRACE + 0.001)


@given(st.lists(st.floats(0.01, GRACE - 0.01), max_size=40))
def test_who_keeps_up_the_rate_is_never_late(steps):
    now = 0.0
    pace = Pace(RATE, GRACE, now)
    for step in steps:
        now += step
        assert not pace.late(now)
        pace.moved(int(step * RATE) + 1, now)


@given(st.integers(1, 400))
def test_who_stays_below_the_rate_is_late_in_the_end(count):
    pace = Pace(RATE, GRACE, 0.0)
    second = 0
    while not pace.late(second):
        pace.moved(count, second)
        second += 1
        assert second < 40


def test_waiting_for_us_is_not_the_peers_fault():
    pace = Pace(RATE, GRACE, 0.0)
    pace.restart(100.0)
    assert not pace.late(100.0 + GRACE)
