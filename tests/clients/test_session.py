"""The client's protocol without a socket."""

import json
import zlib

import pytest
from pitwall_client.errors import CommandError
from pitwall_client.frames import Frame
from pitwall_client.session import Received, Session, error_of


def receive(session: Session, *frames: Frame) -> Received:
    everything = Received()
    for frame in frames:
        received = session.receive(json.dumps(frame))
        everything.events += received.events
        everything.replies += received.replies
        everything.outgoing += received.outgoing
    return everything


def subscribed(session: Session, /, positions: Frame | None = None, **fields: object) -> None:
    command_id, _ = session.command("subscribe", dict(fields))
    receive(
        session,
        {"type": "subscription_confirmed", "id": command_id, "positions": positions or {}},
    )


def alert(offset: int, epoch: str = "e1") -> Frame:
    return {"type": "alert", "stream": "alerts", "epoch": epoch, "offset": offset}


def test_a_reply_is_matched_by_its_id_and_is_no_event() -> None:
    session = Session()
    first, _ = session.command("ping", {})
    second, frame = session.command("history", {"metric": "cpu_usage", "hours": 1})
    assert frame == {"action": "history", "id": second, "metric": "cpu_usage", "hours": 1}
    received = receive(session, {"type": "historical_data", "id": second, "data": []})
    assert [command_id for command_id, _ in received.replies] == [second]
    assert received.events == []
    assert first != second


def test_an_error_reply_becomes_an_exception_with_its_details() -> None:
    error = error_of(
        {
            "type": "error",
            "id": 1,
            "code": "invalid_command",
            "message": "Check the fields.",
            "errors": {"hours": ["Must be positive."]},
            "retry_after": 1.5,
        }
    )
    assert isinstance(error, CommandError)
    assert (error.code, error.retry_after) == ("invalid_command", 1.5)
    assert error.errors == {"hours": ["Must be positive."]}


def test_a_heartbeat_is_acknowledged_with_its_own_timestamp_and_kept_from_the_application() -> None:
    received = receive(Session(), {"type": "heartbeat", "timestamp": "2026-01-01T00:00:00Z"})
    assert received.outgoing == [{"action": "heartbeat_ack", "timestamp": "2026-01-01T00:00:00Z"}]
    assert received.events == []


def test_a_batch_is_taken_apart() -> None:
    batch = {"type": "batch_messages", "count": 2, "messages": [alert(1), {"type": "news"}]}
    assert [event["type"] for event in receive(Session(), batch).events] == ["alert", "news"]


def test_compressed_frames_are_read() -> None:
    received = Session().receive(zlib.compress(b'{"type": "news"}'))
    assert received.events == [{"type": "news"}]


@pytest.mark.parametrize("data", ["[1]", "nonsense", b"\x00\x01"])
def test_what_cannot_be_read_reaches_the_application_and_breaks_nothing(data: str | bytes) -> None:
    assert Session().receive(data).events == [{"type": "unreadable", "data": data}]


def test_nothing_is_resumed_before_anything_was_subscribed() -> None:
    assert Session().resume() is None


def test_a_reconnect_subscribes_to_the_same_and_resumes_from_the_last_event() -> None:
    session = Session()
    position = {"alerts": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, metrics=["cpu_usage"], history=0)
    subscribed(session, positions=position, metrics=["memory_usage"], streams=["alerts"])
    receive(session, alert(5))
    resume = session.resume()
    assert resume is not None
    assert resume["metrics"] == ["cpu_usage", "memory_usage"]
    assert resume["streams"] == ["alerts"]
    assert resume["recover"] == {"alerts": {"epoch": "e1", "offset": 5}}
    assert "history" not in resume


def test_what_was_unsubscribed_is_not_resumed() -> None:
    session = Session()
    position = {"alerts": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, positions=position, metrics=["cpu_usage"], streams=["alerts"])
    command_id, _ = session.command("unsubscribe", {"streams": ["alerts"]})
    receive(session, {"type": "unsubscription_confirmed", "id": command_id})
    resume = session.resume()
    assert resume is not None
    assert resume["metrics"] == ["cpu_usage"]
    assert "recover" not in resume
    assert "streams" not in resume


@pytest.mark.parametrize("told", [{}, {"metrics": ["cpu_usage"], "rooms": ["ops"]}])
def test_an_unsubscribe_that_names_nothing_takes_off_everything(told: Frame) -> None:
    session = Session()
    position = {"room:ops": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, positions=position, metrics=["cpu_usage"], rooms=["ops"])
    command_id, _ = session.command("unsubscribe", {})
    receive(session, {"type": "unsubscription_confirmed", "id": command_id, **told})
    assert session.resume() is None


def test_an_unsubscribe_from_an_empty_list_takes_off_nothing() -> None:
    session = Session()
    subscribed(session, metrics=["cpu_usage"])
    command_id, _ = session.command("unsubscribe", {"metrics": []})
    receive(session, {"type": "unsubscription_confirmed", "id": command_id, "metrics": []})
    resume = session.resume()
    assert resume is not None
    assert resume["metrics"] == ["cpu_usage"]


def test_a_refused_subscription_is_not_remembered() -> None:
    session = Session()
    command_id, _ = session.command("subscribe", {"metrics": ["nope"]})
    receive(session, {"type": "error", "id": command_id, "code": "not_found"})
    assert session.resume() is None


def test_a_gap_sends_one_subscribe_with_recover_and_delivers_what_was_missed_once() -> None:
    session = Session()
    position = {"alerts": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, positions=position, streams=["alerts"])
    gap = receive(session, alert(7), alert(8))
    assert gap.events == []
    [request] = gap.outgoing
    assert request["recover"] == {"alerts": {"epoch": "e1", "offset": 4}}
    confirmed = {
        "type": "subscription_confirmed",
        "id": request["id"],
        "positions": {"alerts": {"epoch": "e1", "offset": 4, "recovered": True}},
    }
    after = receive(session, confirmed, *(alert(n) for n in (5, 6, 7, 8, 8, 9)))
    assert [e["offset"] for e in after.events if e["type"] == "alert"] == [5, 6, 7, 8, 9]
    assert after.outgoing == []


def test_a_heartbeat_that_is_ahead_asks_for_what_is_missing() -> None:
    session = Session()
    position = {"alerts": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, positions=position, streams=["alerts"])
    received = receive(session, {"type": "heartbeat", "offsets": {"alerts": 6}})
    assert [frame["action"] for frame in received.outgoing] == ["heartbeat_ack", "subscribe"]


def test_a_failed_recovery_is_tried_again_at_the_next_sign_of_a_gap() -> None:
    session = Session()
    position = {"alerts": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, positions=position, streams=["alerts"])
    [request] = receive(session, alert(9)).outgoing
    failed = {"type": "error", "id": request["id"], "code": "unavailable"}
    assert receive(session, failed).events == [failed]
    assert len(receive(session, alert(10)).outgoing) == 1


@pytest.mark.parametrize("code", ["rate_limited", "unavailable", "internal"])
def test_a_resume_refused_for_now_asks_for_a_new_connection_and_keeps_its_positions(
    code: str,
) -> None:
    session = Session()
    position = {"alerts": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, positions=position, streams=["alerts"])
    session.disconnected()
    session.connected()
    resume = session.resume()
    assert resume is not None
    refusal = {"type": "error", "id": resume["id"], "code": code, "retry_after": 2.5}
    received = session.receive(json.dumps(refusal))
    assert received.must_reconnect
    assert received.events == [refusal]
    assert session.goodbye is not None
    assert session.goodbye.retry_after == 2.5
    again = session.resume()
    assert again is not None
    assert again["recover"] == resume["recover"]


def test_an_unrecoverable_position_starts_the_streams_afresh() -> None:
    session = Session()
    position = {"alerts": {"epoch": "e1", "offset": 4, "recovered": False}}
    subscribed(session, positions=position, streams=["alerts"])
    [request] = receive(session, alert(9)).outgoing
    failed = {"type": "error", "id": request["id"], "code": "unrecoverable_position"}
    [again] = receive(session, failed).outgoing
    assert again["streams"] == ["alerts"]
    assert "recover" not in again


def test_commands_without_an_answer_are_lost_with_the_connection() -> None:
    session = Session()
    command_id, _ = session.command("ping", {})
    assert session.disconnected() == [command_id]
    assert session.disconnected() == []


def test_a_goodbye_is_kept_with_the_time_to_stay_away() -> None:
    session = Session()
    receive(session, {"type": "disconnect", "code": 1001, "reason": "drain", "retry_after": 3.5})
    assert session.goodbye is not None
    assert (session.goodbye.code, session.goodbye.retry_after) == (1001, 3.5)


LAB = {"metric": "temperature", "tags": {"room": "lab", "side": "left"}}
LAB_TURNED = {"metric": "temperature", "tags": {"side": "left", "room": "lab"}}


def test_selections_of_series_are_followed_again_after_a_reconnect() -> None:
    session = Session()
    subscribed(session, series=[LAB, {"metric": "rpm"}])
    subscribed(session, series=[LAB_TURNED, {"metric": "rpm", "tags": {}}])
    session.disconnected()
    session.connected()
    resumed = session.resume()
    assert resumed is not None
    assert resumed["series"] == [LAB, {"metric": "rpm", "tags": {}}]


def test_a_selection_of_series_that_was_taken_off_is_forgotten() -> None:
    session = Session()
    subscribed(session, metrics=["rpm"], series=[LAB, {"metric": "rpm"}])
    command_id, _ = session.command("unsubscribe", {"series": [LAB_TURNED]})
    gone = {"type": "unsubscription_confirmed", "id": command_id, "metrics": [], "series": [LAB]}
    receive(session, gone)
    resumed = session.resume()
    assert resumed is not None
    assert (resumed["series"], resumed["metrics"]) == ([{"metric": "rpm"}], ["rpm"])
    command_id, _ = session.command("unsubscribe", {})
    receive(session, {"type": "unsubscription_confirmed", "id": command_id, "metrics": ["rpm"]})
    assert session.resume() is None
