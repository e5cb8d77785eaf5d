"""Recent use is written at most once a minute."""

from accounts.login.activity import RecentUse


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_due_once_a_minute() -> None:
    clock = Clock()
    recent = RecentUse(clock)
    assert recent.is_due("a")
    clock.now = 59.9
    assert not recent.is_due("a")
    clock.now = 60.0
    assert recent.is_due("a")


def test_keys_do_not_disturb_each_other() -> None:
    recent = RecentUse(Clock())
    assert recent.is_due("a")
    assert recent.is_due("b")


def test_what_is_past_is_forgotten_when_there_is_no_room(monkeypatch) -> None:
    monkeypatch.setattr("accounts.login.activity.CAPACITY", 2)
    clock = Clock()
    recent = RecentUse(clock)
    recent.is_due("a")
    recent.is_due("b")
    clock.now = 61.0
    recent.is_due("c")
    assert len(recent._seen) == 1
