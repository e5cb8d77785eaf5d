"""The dashboard socket, line by line of the protocol's Dashboard section."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from accounts.models import User, Workspace
from dashboard.models import Series
from dashboard.samples import instants
from dashboard.services import storage
from realtime.database import threads
from tests.support.metrics import SECOND, make_metric, make_series, now_us, write
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

POSITION = {"epoch": "0" * 32, "offset": 1}
GROUPS = {"system": {}, "business": {}, "custom": {}}


class Garage:
    """A workspace with two metrics and a member."""

    def __init__(self) -> None:
        self.workspace: Workspace = make_workspace()
        self.user: User = make_member(self.workspace)
        self.rpm: Series = make_series(make_metric(self.workspace, "rpm", unit="1/min"))
        self.cpu: Series = make_series(make_metric(self.workspace, "cpu_usage", group="system"))

    def tick(self, at: int, **values: float) -> None:
        series = {"rpm": self.rpm, "cpu_usage": self.cpu}
        storage.write(
            workspace_id=self.workspace.pk,
            readings=[storage.Reading(series[name].pk, at, v) for name, v in values.items()],
        )


@pytest.fixture
def garage(transactional_db: None) -> Garage:
    return Garage()


@pytest.fixture
def socket(connect: Any, garage: Garage) -> Any:
    async def opened() -> Any:
        client = await connect("/ws/dashboard/", user=garage.user)
        await client.event("connection_established")
        return client

    return opened


async def test_only_subscribed_metrics_are_sent_and_all_groups_are_there(
    socket: Any, garage: Garage
) -> None:
    client = await socket()
    confirmed = await client.command("subscribe", metrics=["rpm"])
    assert confirmed["type"] == "subscription_confirmed"
    assert (confirmed["metrics"], confirmed["streams"], confirmed["positions"]) == (["rpm"], [], {})
    at = now_us()
    await threads.call(garage.tick, at, rpm=11_000, cpu_usage=5)
    frame = await client.event("realtime_metrics")
    assert frame["metrics"] == GROUPS | {"custom": {"rpm": 11_000}}
    assert frame["timestamp"] == instants.rfc3339(at)


async def test_a_tick_with_nothing_subscribed_in_it_sends_nothing(
    socket: Any, garage: Garage
) -> None:
    client = await socket()
    await client.command("subscribe", metrics=["rpm"], history=0)
    await threads.call(garage.tick, now_us(), cpu_usage=5)
    await threads.call(garage.tick, now_us() + 1, rpm=1)
    frame = await client.event("realtime_metrics")
    assert frame["metrics"]["custom"] == {"rpm": 1}
    assert "realtime_metrics" not in [frame["type"] for frame in client.frames]


async def test_subscriptions_add_up(socket: Any) -> None:
    client = await socket()
    await client.command("subscribe", metrics=["rpm"])
    confirmed = await client.command("subscribe", metrics=["cpu_usage", "rpm"])
    assert confirmed["metrics"] == ["cpu_usage", "rpm"]


async def test_the_wildcard_takes_in_metrics_that_come_later(socket: Any, garage: Garage) -> None:
    client = await socket()
    assert (await client.command("subscribe", metrics=["*"]))["metrics"] == ["*"]
    series = await threads.call(lambda: make_series(make_metric(garage.workspace, "gear")))
    await threads.call(write, series, [(now_us(), 7.0)])
    assert (await client.event("realtime_metrics"))["metrics"]["custom"] == {"gear": 7.0}


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"action": "subscribe"}, ["*"]),
        ({"type": "subscribe"}, ["*"]),
        ({"type": "subscribe", "metrics": ["rpm"]}, ["rpm"]),
        ({"action": "subscribe", "metrics": []}, []),
    ],
)
async def test_a_client_that_knows_little_is_understood(
    socket: Any, frame: dict[str, Any], expected: list[str]
) -> None:
    client = await socket()
    await client.send(frame)
    assert (await client.event("subscription_confirmed"))["metrics"] == expected


async def test_an_unknown_metric_is_not_found_and_changes_nothing(
    socket: Any, garage: Garage
) -> None:
    client = await socket()
    refused = await client.command("subscribe", metrics=["cpu_usage", "no_such"])
    assert (refused["type"], refused["code"]) == ("error", "not_found")
    confirmed = await client.command("subscribe", metrics=["rpm"])
    assert confirmed["metrics"] == ["rpm"]
    assert (await client.event("historical_data"))["data"] == []


async def test_unsubscribing_tells_what_was_taken_off_and_ends_it(
    socket: Any, garage: Garage
) -> None:
    client = await socket()
    await client.command("subscribe", metrics=["rpm", "cpu_usage"], history=0)
    gone = await client.command("unsubscribe", metrics=["rpm", "no_such"])
    assert gone["type"] == "unsubscription_confirmed"
    assert (gone["metrics"], gone["streams"]) == (["rpm"], [])
    await threads.call(garage.tick, now_us(), rpm=1, cpu_usage=2)
    frame = await client.event("realtime_metrics")
    assert frame["metrics"] == GROUPS | {"system": {"cpu_usage": 2}}
    assert (await client.command("unsubscribe"))["metrics"] == ["cpu_usage"]
    await threads.call(garage.tick, now_us(), rpm=1, cpu_usage=3)
    assert await client.silence() == []


async def test_one_metric_taken_off_the_wildcard_leaves_the_others(socket: Any) -> None:
    client = await socket()
    await client.command("subscribe", metrics=["*"])
    assert (await client.command("unsubscribe", metrics=["rpm"]))["metrics"] == ["rpm"]
    assert (await client.command("subscribe", metrics=[]))["metrics"] == ["cpu_usage"]


async def test_the_first_subscribe_brings_the_last_ten_minutes_once(
    socket: Any, garage: Garage
) -> None:
    now = now_us() // SECOND * SECOND
    past = [(now - n * SECOND, float(n)) for n in range(0, 900)]
    await threads.call(write, garage.rpm, past)
    await threads.call(write, garage.cpu, [(now - 700 * SECOND, 1.0), (now - 30 * SECOND, 2.0)])
    client = await socket()
    await client.send({"action": "subscribe", "metrics": ["rpm", "cpu_usage"]})
    order = [(await client.next())["type"] for _ in range(2)]
    while "heartbeat" in order:
        order.remove("heartbeat")
        order.append((await client.next())["type"])
    assert order == ["subscription_confirmed", "historical_data"]
    await client.command("subscribe", metrics=["rpm"])
    assert await client.silence() == []


async def test_historical_data_is_oldest_first_and_at_most_120_points_a_metric(
    socket: Any, garage: Garage
) -> None:
    now = now_us() // SECOND * SECOND
    past = [(now - n * SECOND, float(n)) for n in range(0, 900)]
    await threads.call(write, garage.rpm, past)
    await threads.call(write, garage.cpu, [(now - 700 * SECOND, 1.0), (now - 30 * SECOND, 2.0)])
    client = await socket()
    await client.command("subscribe", metrics=["*"])
    frame = await client.event("historical_data")
    assert "id" not in frame
    data = frame["data"]
    assert set(data[0]) == {"metric", "timestamp", "value"}
    assert [point["timestamp"] for point in data] == sorted(point["timestamp"] for point in data)
    assert data[0]["timestamp"] >= instants.rfc3339(now - 606 * SECOND)
    assert 100 <= sum(point["metric"] == "rpm" for point in data) <= 120
    assert [p["value"] for p in data if p["metric"] == "cpu_usage"] == [2.0]


async def test_how_much_of_the_past_comes_is_chosen_with_history(
    socket: Any, garage: Garage
) -> None:
    now = now_us()
    await threads.call(write, garage.rpm, [(now - n * 60 * SECOND, float(n)) for n in (1, 3, 5)])
    client = await socket()
    await client.command("subscribe", metrics=["rpm"], history=4)
    frame = await client.event("historical_data")
    assert [point["value"] for point in frame["data"]] == [3.0, 1.0]
    other = await socket()
    await other.command("subscribe", metrics=["rpm"], history=0)
    assert await other.silence() == []


async def test_history_answers_with_minimum_maximum_and_count(socket: Any, garage: Garage) -> None:
    minute = (now_us() // (60 * SECOND) - 3) * 60 * SECOND
    await threads.call(write, garage.rpm, [(minute + n * SECOND, float(n)) for n in range(60)])
    client = await socket()
    answer = await client.command("history", metric="rpm", hours=24, points=100)
    assert answer["type"] == "historical_data"
    assert (answer["metric"], answer["unit"], answer["resolution"]) == ("rpm", "1/min", 900.0)
    (point,) = answer["data"]
    assert {key: point[key] for key in ("metric", "value", "min", "max", "count")} == {
        "metric": "rpm",
        "value": 29.5,
        "min": 0.0,
        "max": 59.0,
        "count": 60,
    }


async def test_history_takes_a_start_and_an_end(socket: Any, garage: Garage) -> None:
    at = now_us() // SECOND * SECOND
    await threads.call(write, garage.rpm, [(at, 1.0), (at + SECOND, 2.0)])
    client = await socket()
    answer = await client.command(
        "history", metric="rpm", start=instants.rfc3339(at), end=(at + SECOND) // SECOND
    )
    assert [(p["timestamp"], p["value"]) for p in answer["data"]] == [(instants.rfc3339(at), 1.0)]


@pytest.mark.parametrize(
    ("action", "fields", "code", "field"),
    [
        ("subscribe", {"metrics": "rpm"}, "invalid_command", "metrics"),
        ("subscribe", {"metrics": [7]}, "invalid_command", "metrics[0]"),
        ("subscribe", {"metrics": [""]}, "invalid_command", "metrics[0]"),
        ("subscribe", {"metrics": ["x"] * 501}, "invalid_command", "metrics"),
        ("subscribe", {"metric": ["rpm"]}, "invalid_command", "metric"),
        ("subscribe", {"metrics": ["rpm"], "streams": ["stats"]}, "invalid_command", "streams"),
        ("subscribe", {"metrics": ["rpm"], "history": -1}, "invalid_command", "history"),
        ("subscribe", {"metrics": ["rpm"], "history": 1e9}, "invalid_command", "history"),
        ("subscribe", {"recover": {"alerts": 5}}, "invalid_command", "recover[alerts]"),
        ("subscribe", {"recover": {"alerts": POSITION}}, "invalid_command", "recover[alerts]"),
        ("subscribe", {"series": "rpm"}, "invalid_command", "series"),
        ("subscribe", {"series": [{"metric": "no_such"}]}, "not_found", None),
        (
            "subscribe",
            {"series": [{"metric": "rpm", "tag": {}}]},
            "invalid_command",
            "series[0].tag",
        ),
        (
            "subscribe",
            {"series": [{"metric": "rpm"}, {"metric": "rpm", "tags": {"Bad": "x"}}]},
            "invalid_command",
            "series[1].tags",
        ),
        ("subscribe", {"series": [{"metric": "rpm"}] * 201}, "invalid_command", "series"),
        ("unsubscribe", {"series": [{"tags": {}}]}, "invalid_command", "series[0].metric"),
        ("unsubscribe", {"streams": ["stats"]}, "invalid_command", "streams"),
        ("history", {}, "invalid_command", "metric"),
        ("history", {"metric": "no_such"}, "not_found", None),
        ("history", {"metric": "rpm", "hours": 0}, "invalid_command", "hours"),
        ("history", {"metric": "rpm", "hours": "1"}, "invalid_command", "hours"),
        ("history", {"metric": "rpm", "points": 0}, "invalid_command", "points"),
        ("history", {"metric": "rpm", "start": "then"}, "invalid_command", "start"),
        ("history", {"metric": "rpm", "end": 5}, "invalid_command", "start"),
        ("history", {"metric": "rpm", "tags": {"Bad": "x"}}, "invalid_command", "tags"),
        ("history", {"metric": "rpm", "tags": {"bank": "left"}}, "not_found", None),
        ("refresh", {}, "unknown_action", None),
    ],
)
async def test_what_is_wrong_is_told_and_the_socket_lives_on(
    socket: Any, action: str, fields: dict[str, Any], code: str, field: str | None
) -> None:
    client = await socket()
    answer = await client.command(action, **fields)
    assert (answer["type"], answer["code"]) == ("error", code)
    if field:
        assert list(answer["errors"]) == [field]
    assert (await client.command("subscribe", metrics=[]))["metrics"] == []


async def test_the_frame_of_a_tick_is_there_well_before_the_next(
    socket: Any, garage: Garage
) -> None:
    clients = [await socket() for _ in range(3)]
    for client in clients:
        await client.command("subscribe", metrics=["*"], history=0)
    began = time.monotonic()
    await threads.call(garage.tick, now_us(), rpm=1)
    await asyncio.gather(*(client.event("realtime_metrics") for client in clients))
    assert time.monotonic() - began < 0.9
