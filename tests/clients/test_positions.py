"""Log streams as the client sees them: no event is duplicated or skipped."""

from hypothesis import given
from hypothesis import strategies as st
from pitwall_client.frames import Frame
from pitwall_client.positions import Position, Positions, Verdict


def log_event(offset: int, epoch: str = "e1", stream: str = "alerts") -> Frame:
    return {"type": "alert", "stream": stream, "epoch": epoch, "offset": offset}


def following(offset: int, epoch: str = "e1") -> Positions:
    positions = Positions()
    positions.confirm({"alerts": {"epoch": epoch, "offset": offset, "recovered": False}})
    return positions


def test_the_next_event_is_delivered_and_moves_the_position() -> None:
    positions = following(7)
    assert positions.judge(log_event(8)) is Verdict.DELIVER
    assert positions.known["alerts"] == Position("e1", 8)


def test_an_event_seen_before_is_dropped() -> None:
    positions = following(7)
    assert positions.judge(log_event(7)) is Verdict.DROP
    assert positions.judge(log_event(3)) is Verdict.DROP
    assert positions.known["alerts"].offset == 7


def test_a_gap_asks_for_recovery_once() -> None:
    positions = following(7)
    assert positions.judge(log_event(9)) is Verdict.RECOVER
    assert positions.judge(log_event(10)) is Verdict.DROP
    assert positions.known["alerts"].offset == 7


def test_after_a_recovery_the_missed_events_are_delivered_in_order() -> None:
    positions = following(7)
    positions.judge(log_event(9))
    positions.confirm({"alerts": {"epoch": "e1", "offset": 7, "recovered": True}})
    assert [positions.judge(log_event(n)) for n in (8, 9, 10)] == [Verdict.DELIVER] * 3


def test_a_recovered_stream_keeps_the_clients_own_position_even_when_told_the_head() -> None:
    positions = following(7)
    positions.judge(log_event(9))
    positions.confirm({"alerts": {"epoch": "e1", "offset": 9, "recovered": True}})
    assert positions.judge(log_event(8)) is Verdict.DELIVER


def test_an_unrecoverable_stream_goes_on_from_where_the_server_says() -> None:
    positions = following(7)
    positions.judge(log_event(500))
    positions.confirm({"alerts": {"epoch": "e2", "offset": 499, "recovered": False}})
    assert positions.judge(log_event(500, epoch="e2")) is Verdict.DELIVER


def test_another_epoch_is_a_gap_whatever_the_offset() -> None:
    positions = following(7)
    assert positions.judge(log_event(8, epoch="e2")) is Verdict.RECOVER


def test_a_heartbeat_ahead_of_the_client_shows_a_gap_once() -> None:
    positions = following(7)
    assert not positions.behind({"alerts": 7, "room:ops": 90})
    assert positions.behind({"alerts": 8})
    assert not positions.behind({"alerts": 8})


def test_frames_outside_a_log_are_always_delivered() -> None:
    positions = following(7)
    assert positions.judge({"type": "realtime_metrics", "metrics": {}}) is Verdict.DELIVER
    assert positions.judge({"type": "typing", "stream": "room:ops"}) is Verdict.DELIVER


def test_a_snapshot_sets_the_position_of_the_stream_it_stands_for() -> None:
    positions = Positions()
    positions.judge({"type": "orders_snapshot", "data": [], "epoch": "e9", "offset": 41})
    assert positions.known["orders"] == Position("e9", 41)


@given(st.lists(st.integers(1, 30), max_size=60))
def test_whatever_arrives_only_the_next_offset_is_ever_delivered(offsets: list[int]) -> None:
    positions = following(0)
    delivered = [n for n in offsets if positions.judge(log_event(n)) is Verdict.DELIVER]
    assert delivered == list(range(1, len(delivered) + 1))
