"""Workspace isolation: nothing can be listed, read, subscribed to or pushed into from another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import User, Workspace
from dashboard.models import Sample, Series
from realtime.database import threads
from tests.conftest import Api
from tests.support.metrics import make_metric, make_series, now_us, write
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)


class Rivals:
    """Two teams that both watch `rpm`; only the other team has `gear`."""

    def __init__(self) -> None:
        self.ours: Workspace = make_workspace("ours")
        self.theirs: Workspace = make_workspace("theirs")
        self.me: User = make_member(self.ours)
        self.our_rpm: Series = make_series(make_metric(self.ours, "rpm"))
        self.their_rpm: Series = make_series(make_metric(self.theirs, "rpm"))
        self.their_gear: Series = make_series(make_metric(self.theirs, "gear"))
        write(self.our_rpm, [(now_us(), 1.0)])
        write(self.their_rpm, [(now_us(), 666.0)])
        write(self.their_gear, [(now_us(), 666.0)])


@pytest.fixture
def rivals(transactional_db: None) -> Rivals:
    return Rivals()


def test_the_list_of_metrics_is_ones_own(api: Api, rivals: Rivals) -> None:
    listed = api(rivals.me).get("/api/v1/metrics/").json()
    assert [(metric["name"], metric["latest"]["value"]) for metric in listed] == [("rpm", 1.0)]


def test_history_is_ones_own(api: Api, rivals: Rivals) -> None:
    client = api(rivals.me)
    data = client.get("/api/v1/metrics/rpm/history/").json()["data"]
    assert [point["value"] for point in data] == [1.0]
    theirs = client.get("/api/v1/metrics/gear/history/")
    unknown = client.get("/api/v1/metrics/no_such/history/")
    assert theirs.status_code == unknown.status_code == 404
    assert theirs.json()["detail"].replace("gear", "no_such") == unknown.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "metrics/"), ("GET", "metrics/rpm/history/"), ("POST", "samples/")],
)
def test_naming_the_other_workspace_is_like_naming_none_that_exists(
    api: Api, rivals: Rivals, method: str, path: str
) -> None:
    client = api(rivals.me)
    body = {"samples": [{"metric": "rpm", "value": 5}]} if method == "POST" else None
    answers = [
        client.generic(
            method, f"/api/v1/{path}?workspace={slug}", json.dumps(body), "application/json"
        )
        for slug in ("theirs", "no-such-team")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert Sample.objects.count() == 3


def test_samples_are_pushed_into_ones_own_metric_of_that_name(api: Api, rivals: Rivals) -> None:
    body = {"samples": [{"metric": "rpm", "value": 5}, {"metric": "gear", "value": 6}]}
    assert api(rivals.me).post("/api/v1/samples/", body, format="json").status_code == 201
    theirs = Sample.objects.filter(series__metric__workspace=rivals.theirs)
    assert set(theirs.values_list("value", flat=True)) == {666.0}
    ours = Sample.objects.filter(series__metric__workspace=rivals.ours)
    assert set(ours.values_list("series__metric__name", "value")) == {
        ("rpm", 1.0),
        ("rpm", 5.0),
        ("gear", 6.0),
    }


async def test_the_other_teams_metric_cannot_be_subscribed_to(connect: Any, rivals: Rivals) -> None:
    client = await connect("/ws/dashboard/", user=rivals.me)
    refused = await client.command("subscribe", metrics=["gear"])
    assert refused["code"] == "not_found"
    answer = await client.command("history", metric="gear", hours=1)
    assert answer["code"] == "not_found"


async def test_everything_means_everything_of_ones_own(connect: Any, rivals: Rivals) -> None:
    client = await connect("/ws/dashboard/", user=rivals.me)
    await client.command("subscribe", metrics=["*"])
    past = await client.event("historical_data")
    assert [(point["metric"], point["value"]) for point in past["data"]] == [("rpm", 1.0)]
    await threads.call(write, rivals.their_rpm, [(now_us(), 667.0)])
    await threads.call(write, rivals.our_rpm, [(now_us(), 2.0)])
    frame = await client.event("realtime_metrics")
    assert frame["metrics"]["custom"] == {"rpm": 2.0}
    assert "realtime_metrics" not in [frame["type"] for frame in client.frames]


async def test_a_socket_into_the_other_workspace_is_refused(connect: Any, rivals: Rivals) -> None:
    client = await connect("/ws/dashboard/", user=rivals.me, workspace="theirs")
    assert await client.closed() == 1008
