"""The dashboard's page and its admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.models import Metric, Source
from tests.support.metrics import make_metric, make_series, make_source
from tests.support.people import make_member, make_user, make_workspace

pytestmark = pytest.mark.django_db


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_whoever_is_not_signed_in_is_sent_to_the_login() -> None:
    answer = Client().get("/dashboards/")
    assert (answer.status_code, answer["Location"]) == (
        302,
        "/accounts/login/?next=/dashboards/",
    )


def test_the_front_page_leads_to_the_dashboard() -> None:
    assert Client().get("/")["Location"] == "/dashboards/"


def test_a_user_without_a_workspace_is_told_so() -> None:
    answer = signed_in(make_user()).get("/dashboards/")
    assert answer.status_code == 200
    assert b"You are in no workspace yet" in answer.content


def test_a_workspace_that_is_not_ones_own_does_not_exist() -> None:
    client = signed_in(make_member(make_workspace("ours")))
    make_workspace("theirs")
    assert client.get("/dashboards/?workspace=theirs").status_code == 404
    assert client.get("/dashboards/?workspace=nobodys").status_code == 404


@pytest.fixture
def admin() -> Client:
    return signed_in(make_user("chief", is_staff=True, is_superuser=True))


def test_a_source_made_in_the_admin_brings_its_metrics(admin: Client) -> None:
    workspace = make_workspace()
    page = admin.get("/admin/dashboard/source/add/")
    assert b"Simulated room" in page.content
    answer = admin.post(
        "/admin/dashboard/source/add/",
        {
            "workspace": workspace.pk,
            "name": "room",
            "kind": "simulator",
            "interval_seconds": 5,
            "enabled": "on",
        },
    )
    assert answer.status_code == 302
    assert Source.objects.get().interval_seconds == 5
    names = Metric.objects.filter(workspace=workspace).values_list("name", flat=True)
    assert set(names) == {"temperature", "humidity", "pressure"}


@pytest.mark.parametrize(
    ("field", "value"), [("interval_seconds", 0), ("kind", "horoscope"), ("name", "Two Words")]
)
def test_a_source_that_makes_no_sense_is_refused(admin: Client, field: str, value: Any) -> None:
    fields = {
        "workspace": make_workspace().pk,
        "name": "room",
        "kind": "simulator",
        "interval_seconds": 1,
    }
    answer = admin.post("/admin/dashboard/source/add/", fields | {field: value})
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == [field]
    assert not Source.objects.exists()


def test_the_admin_shows_states_and_what_is_simulated(admin: Client) -> None:
    workspace = make_workspace()
    source = make_source(workspace, "room", kind="simulator", state="failing", last_error="no air")
    metric = make_metric(workspace, "humidity")
    series = make_series(metric, {"source": "room"}, source=source, simulated=True)
    assert b"no air" in admin.get("/admin/dashboard/source/").content
    assert b'alt="True"' in admin.get("/admin/dashboard/series/").content
    for page in (
        f"source/{source.pk}/change/",
        f"metric/{metric.pk}/change/",
        f"series/{series.pk}/change/",
        "metric/",
        f"metric/{metric.pk}/delete/",
    ):
        assert admin.get(f"/admin/dashboard/{page}").status_code == 200


def test_the_name_of_a_metric_is_not_changed_by_hand(admin: Client) -> None:
    metric = make_metric(make_workspace(), "humidity")
    admin.post(
        f"/admin/dashboard/metric/{metric.pk}/change/",
        {
            "name": "other",
            "title": "Moisture",
            "group": "custom",
            "unit": "%",
            "decimals": 0,
            "raw_hours": 24,
            "rollup_days": 30,
        },
    )
    metric.refresh_from_db()
    assert (metric.name, metric.title) == ("humidity", "Moisture")
