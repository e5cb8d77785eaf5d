"""Events of the catalogue: an old catalogue plus the events since equals the new one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from dashboard import services
from dashboard.models import Metric
from realtime.database import threads
from tests.support.metrics import make_metric
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)

ENTRY = ("group", "unit", "title", "decimals")
KINDS = {"metric_created", "metric_changed", "metric_deleted"}


class Office:
    """A workspace with a metric, its member, and an administrator of the installation."""

    def __init__(self, api: Any) -> None:
        self.workspace = make_workspace()
        self.user = make_member(self.workspace)
        self.rest = api(self.user)
        self.rpm = make_metric(self.workspace, "rpm", unit="1/min")
        self.admin = Client()
        self.admin.force_login(User.objects.create_superuser("root", "root@example.com", "root"))

    def catalogue(self) -> dict[str, Any]:
        listed = self.rest.get("/api/v1/metrics/").json()
        return {each["name"]: {field: each[field] for field in ENTRY} for each in listed}

    def push(self, *names: str) -> None:
        samples = [{"metric": name, "value": 1, "tags": {"by": "test"}} for name in names]
        assert self.rest.post("/api/v1/samples/", {"samples": samples}, "json").status_code == 201

    def change(self, metric: Metric, **fields: Any) -> None:
        form = {
            "title": metric.title,
            "group": metric.group,
            "unit": metric.unit,
            "decimals": metric.decimals,
            "raw_hours": metric.raw_hours,
            "rollup_days": metric.rollup_days,
        }
        address = reverse("admin:dashboard_metric_change", args=[metric.pk])
        assert self.admin.post(address, form | fields).status_code == 302

    def add(self, name: str) -> None:
        form = {
            "workspace": self.workspace.pk,
            "name": name,
            "group": "business",
            "decimals": 2,
            "raw_hours": 24,
            "rollup_days": 30,
        }
        answer = self.admin.post(reverse("admin:dashboard_metric_add"), form)
        assert answer.status_code == 302

    def delete(self, *metrics: Metric) -> None:
        if len(metrics) == 1:
            address = reverse("admin:dashboard_metric_delete", args=[metrics[0].pk])
            form: dict[str, Any] = {"post": "yes"}
        else:
            address = reverse("admin:dashboard_metric_changelist")
            chosen = [metric.pk for metric in metrics]
            form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        assert self.admin.post(address, form).status_code == 302


@pytest.fixture
def office(transactional_db: None, api: Any) -> Office:
    return Office(api)


@pytest.fixture
def follower(connect: Any, office: Office) -> Any:
    async def opened(**subscription: Any) -> Any:
        client = await connect("/ws/dashboard/", user=office.user)
        await client.command("subscribe", **subscription)
        return client

    return opened


async def told(client: Any) -> list[dict[str, Any]]:
    await client.silence()
    return [frame for frame in client.frames if frame["type"] in KINDS]


def apply(known: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a client's catalogue after these events."""
    known = dict(known)
    for event in events:
        if event["type"] == "metric_deleted":
            known.pop(event["metric"], None)
        else:
            known[event["metric"]] = {field: event[field] for field in ENTRY}
    return known


CHANGES: list[Callable[[Office], None]] = [
    lambda office: office.push("gear", "fuel"),
    lambda office: office.push("gear"),
    lambda office: office.change(office.rpm, title="Engine", unit="rpm", decimals=0),
    lambda office: office.add("orders"),
    lambda office: office.delete(Metric.objects.get(name="fuel")),
    lambda office: office.push("fuel"),
    lambda office: office.delete(*Metric.objects.filter(name__in=["gear", "orders"])),
    lambda office: services.provide_metrics(workspace_id=office.workspace.pk, kind="host") and None,
]


async def test_an_old_list_and_the_events_since_make_the_new_list(
    follower: Any, office: Office
) -> None:
    client = await follower(metrics=["rpm"], history=0)
    known = await threads.call(office.catalogue)
    for change in CHANGES:
        await threads.call(change, office)
        fresh = await threads.call(office.catalogue)
        async with asyncio.timeout(5):
            while apply(known, await told(client)) != fresh:
                await asyncio.sleep(0.01)
    assert set(fresh) > {"rpm", "fuel", "cpu_usage"}


async def test_it_is_told_to_everybody_of_the_workspace_who_follows_anything_and_nobody_else(
    connect: Any, follower: Any, office: Office
) -> None:
    everything, one = await follower(history=0), await follower(metrics=["rpm"], history=0)
    series = await follower(series=[{"metric": "rpm"}])
    nothing = await follower(metrics=[])
    stranger = await threads.call(lambda: make_member(make_workspace("elsewhere")))
    elsewhere = await connect("/ws/dashboard/", user=stranger)
    await elsewhere.command("subscribe", history=0)
    await threads.call(office.add, "orders")
    for client in (everything, one, series):
        assert await client.event("metric_created") == {
            "type": "metric_created",
            "metric": "orders",
            "group": "business",
            "unit": "",
            "title": "Orders",
            "decimals": 2,
        }
    assert await told(nothing) == await told(elsewhere) == []


async def test_what_is_not_in_the_entry_is_no_news(follower: Any, office: Office) -> None:
    client = await follower(metrics=["rpm"], history=0)
    await threads.call(lambda: office.change(office.rpm, raw_hours=48))
    await threads.call(lambda: office.change(office.rpm, unit="Hz"))
    assert [(each["type"], each["unit"]) for each in [await client.event("metric_changed")]] == [
        ("metric_changed", "Hz")
    ]
    assert await told(client) == []


async def test_a_batch_of_samples_that_is_refused_has_made_no_metric(
    follower: Any, office: Office
) -> None:
    client = await follower(metrics=["rpm"], history=0)

    def refused() -> None:
        samples = [{"metric": "gear", "value": 1}, {"metric": "rpm", "value": "much"}]
        answer = office.rest.post("/api/v1/samples/", {"samples": samples}, "json")
        assert answer.status_code == 400

    await threads.call(refused)
    await threads.call(office.push, "fuel")
    assert (await client.event("metric_created"))["metric"] == "fuel"
    assert await told(client) == []
