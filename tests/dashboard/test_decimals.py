"""How many decimals a pushed metric is shown with."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from dashboard.models import Metric
from dashboard.services import create_metrics
from dashboard.source_kinds import MetricSpec
from realtime.database import threads
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)


class Desk:
    """A workspace, and a program that pushes to it."""

    def __init__(self, api: Any) -> None:
        self.workspace = make_workspace()
        self.user = make_member(self.workspace)
        self.rest = api(self.user)

    def push(self, *values: float, metric: str = "eurusd") -> None:
        samples = [{"metric": metric, "value": value} for value in values]
        assert self.rest.post("/api/v1/samples/", {"samples": samples}, "json").status_code == 201

    def decimals(self, metric: str = "eurusd") -> int:
        listed = self.rest.get("/api/v1/metrics/").json()
        return int(next(each["decimals"] for each in listed if each["name"] == metric))


@pytest.fixture
def desk(transactional_db: None, api: Any) -> Desk:
    return Desk(api)


def test_a_pushed_metric_has_as_many_decimals_as_its_values(desk: Desk) -> None:
    desk.push(1.0855)
    assert desk.decimals() == 4


def test_it_gets_more_when_a_value_needs_more_and_keeps_them(desk: Desk) -> None:
    desk.push(1)
    assert desk.decimals() == 0
    desk.push(1.08)
    desk.push(1.0855, 1.1)
    desk.push(2)
    assert desk.decimals() == 4


def test_what_an_administrator_states_stays(desk: Desk) -> None:
    desk.push(1.0855)
    metric = Metric.objects.get(name="eurusd")
    admin = Client()
    admin.force_login(User.objects.create_superuser("root", "root@example.com", "root"))
    form = {"title": "", "group": "custom", "unit": "", "decimals": 2}
    form |= {"raw_hours": metric.raw_hours, "rollup_days": metric.rollup_days}
    address = reverse("admin:dashboard_metric_change", args=[metric.pk])
    assert admin.post(address, form).status_code == 302
    desk.push(1.085512)
    assert desk.decimals() == 2


def test_what_a_source_states_stays(desk: Desk) -> None:
    spec = MetricSpec("load", "Load", "system", "", decimals=1)
    create_metrics(workspace_id=desk.workspace.pk, specs=[spec])
    desk.push(0.12345, metric="load")
    assert desk.decimals("load") == 1


async def test_open_dashboards_hear_of_it(desk: Desk, connect: Any) -> None:
    await threads.call(desk.push, 1)
    socket = await connect("/ws/dashboard/", user=desk.user)
    await socket.command("subscribe", metrics=["eurusd"])
    await threads.call(desk.push, 1.0855)
    changed = await socket.event("metric_changed")
    assert (changed["metric"], changed["decimals"]) == ("eurusd", 4)
