"""Single series on the socket: `subscribe {series}` and `series_metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dashboard.models import Metric, Series
from dashboard.samples import instants
from dashboard.services import storage
from realtime.database import threads
from tests.support.metrics import make_metric, make_series, now_us
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

LAB, HALL = {"room": "lab", "side": "left"}, {"room": "hall"}


class House:
    """A workspace that measures the temperature in two rooms, and a member of it."""

    def __init__(self) -> None:
        self.workspace = make_workspace()
        self.user = make_member(self.workspace)
        self.temperature: Metric = make_metric(self.workspace, "temperature")
        self.rpm: Series = make_series(make_metric(self.workspace, "rpm"))
        self.lab: Series = make_series(self.temperature, LAB)
        self.hall: Series = make_series(self.temperature, HALL)

    def tick(self, values: Mapping[Series, float], at: int | None = None) -> int:
        at = at or now_us()
        readings = [storage.Reading(series.pk, at, value) for series, value in values.items()]
        storage.write(workspace_id=self.workspace.pk, readings=readings)
        return at


@pytest.fixture
def house(transactional_db: None) -> House:
    return House()


@pytest.fixture
def socket(connect: Any, house: House) -> Any:
    async def opened() -> Any:
        return await connect("/ws/dashboard/", user=house.user)

    return opened


def listed(frame: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [(each["metric"], each["tags"], each["value"]) for each in frame["data"]]


async def test_only_the_series_with_the_tags_are_sent_beside_the_number_of_the_metric(
    socket: Any, house: House
) -> None:
    rooms, metrics = await socket(), await socket()
    confirmed = await rooms.command(
        "subscribe", series=[{"metric": "temperature", "tags": {"room": "hall"}}]
    )
    assert confirmed["metrics"] == []
    assert confirmed["series"] == [{"metric": "temperature", "tags": {"room": "hall"}}]
    assert (await metrics.command("subscribe", metrics=["*"], history=0))["series"] == []
    at = await threads.call(house.tick, {house.lab: 21.0, house.hall: 18.0, house.rpm: 7.0})
    frame = await rooms.event("series_metrics")
    assert listed(frame) == [("temperature", HALL, 18.0)]
    assert frame["timestamp"] == instants.rfc3339(at)
    assert "realtime_metrics" not in await rooms.silence()
    frame = await metrics.event("realtime_metrics")
    assert frame["metrics"]["custom"] == {"temperature": 21.0, "rpm": 7.0}
    assert "series_metrics" not in await metrics.silence()


async def test_one_tick_is_one_frame_of_all_selected_series(socket: Any, house: House) -> None:
    client = await socket()
    await client.command("subscribe", series=[{"metric": "temperature"}, {"metric": "rpm"}])
    await threads.call(house.tick, {house.lab: 21.0, house.hall: 18.0, house.rpm: 7.0})
    frame = await client.event("series_metrics")
    assert sorted(listed(frame), key=str) == sorted(
        [("temperature", LAB, 21.0), ("temperature", HALL, 18.0), ("rpm", {}, 7.0)], key=str
    )
    assert "series_metrics" not in await client.silence()


async def test_a_series_that_appears_later_is_among_them(socket: Any, house: House) -> None:
    client = await socket()
    await client.command("subscribe", series=[{"metric": "temperature", "tags": {"side": "left"}}])
    yard = {"room": "yard", "side": "left"}
    series = await threads.call(make_series, house.temperature, yard)
    await threads.call(house.tick, {series: 9.0, house.hall: 18.0})
    assert listed(await client.event("series_metrics")) == [("temperature", yard, 9.0)]


async def test_metrics_and_series_of_one_connection_add_up_and_are_taken_off_apart(
    socket: Any, house: House
) -> None:
    client = await socket()
    hall = {"metric": "temperature", "tags": HALL}
    await client.command("subscribe", metrics=["rpm"], history=0)
    confirmed = await client.command("subscribe", series=[hall, {"metric": "temperature"}])
    assert confirmed["metrics"] == ["rpm"]
    assert confirmed["series"] == [{"metric": "temperature", "tags": {}}, hall]
    gone = await client.command("unsubscribe", series=[{"metric": "temperature"}])
    assert (gone["metrics"], gone["series"]) == ([], [{"metric": "temperature", "tags": {}}])
    await threads.call(house.tick, {house.lab: 21.0, house.hall: 18.0, house.rpm: 7.0})
    assert listed(await client.event("series_metrics")) == [("temperature", HALL, 18.0)]
    assert (await client.event("realtime_metrics"))["metrics"]["custom"] == {"rpm": 7.0}
    gone = await client.command("unsubscribe")
    assert (gone["metrics"], gone["series"]) == (["rpm"], [hall])
    await threads.call(house.tick, {house.hall: 19.0, house.rpm: 8.0})
    assert not {"series_metrics", "realtime_metrics"} & set(await client.silence())


async def test_a_refused_subscription_changes_nothing(socket: Any, house: House) -> None:
    client = await socket()
    refused = await client.command("subscribe", series=[{"metric": "rpm"}, {"metric": "no_such"}])
    assert (refused["type"], refused["code"]) == ("error", "not_found")
    many = [{"metric": "rpm", "tags": {"n": str(number)}} for number in range(150)]
    assert len((await client.command("subscribe", series=many))["series"]) == 150
    others = [{"metric": "rpm", "tags": {"n": str(number)}} for number in range(100, 201)]
    refused = await client.command("subscribe", series=others)
    assert refused["code"] == "too_many_subscriptions"
    confirmed = await client.command("subscribe", series=others[:-1])
    assert len(confirmed["series"]) == 200


async def test_a_batch_of_late_samples_is_no_news_of_its_series(socket: Any, house: House) -> None:
    client = await socket()
    await client.command("subscribe", series=[{"metric": "temperature"}])
    at = await threads.call(house.tick, {house.hall: 18.0})
    await threads.call(house.tick, {house.hall: 17.0}, at - instants.SECOND)
    await threads.call(house.tick, {house.hall: 19.0}, at + instants.SECOND)
    values = [listed(await client.event("series_metrics"))[0][2] for _ in range(2)]
    assert values == [18.0, 19.0]
