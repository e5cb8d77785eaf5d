"""Presence, computed from the processes' reports: pure, with the times passed in."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.presence import rules

processes = st.sampled_from(["p", "q", "r"])
steps = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "die", "wait"]), processes, st.floats(0, 8)),
    max_size=40,
)


@given(steps)
def test_somebody_is_present_while_a_live_process_says_so_and_ten_seconds_longer(story):
    held, now = {}, 0.0
    connected: set[str] = set()
    alive = {"p", "q", "r"}
    gone_at: float | None = None
    for what, process, seconds in story:
        before = bool(connected)
        if what == "enter":
            alive.add(process)
            connected.add(process)
            held = rules.entered(held, process)
        elif what == "leave" and process in alive:
            connected.discard(process)
            held = rules.left(held, process, now)
        elif what == "die":
            alive.discard(process)
            connected.discard(process)
        else:
            now += seconds
        held = rules.settled(held, alive, now)
        if before and not connected:
            gone_at = now
        if connected:
            assert held
        elif gone_at is None or now >= gone_at + rules.GRACE + 0.01:
            assert not held
        elif now < gone_at + rules.GRACE - 0.01:
            assert held


@given(steps)
def test_settling_twice_changes_nothing(story):
    held = {process: seconds for _, process, seconds in story}
    once = rules.settled(held, {"p"}, 4.0)
    assert rules.settled(once, {"p"}, 4.0) == once


def test_coming_back_within_the_grace_ends_it():
    held = rules.left(rules.entered({}, "p"), "p", now=0)
    assert rules.check_at(held) == 10
    back = rules.entered(held, "p")
    assert rules.check_at(back) is None
    assert rules.settled(back, {"p"}, 1000) == {"p": None}


def test_leaving_again_does_not_lengthen_the_grace():
    held = rules.left(rules.entered({}, "p"), "p", now=0)
    assert rules.left(held, "p", now=9) == held


def test_a_dead_process_leaves_like_any_other():
    held = rules.settled({"dead": None, "p": None}, {"p"}, now=100)
    assert held == {"dead": 110, "p": None}
    assert rules.settled(held, {"p"}, now=110) == {"p": None}
