"""What one member's programs may use up of a workspace, and what its admins can remove."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry, Role, Workspace
from dashboard.models import Metric, Series
from tests.conftest import Api
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db

METRICS = "/api/v1/metrics/"


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.fixture
def quotas(settings: Any) -> dict[str, int]:
    settings.QUOTAS = {**settings.QUOTAS, "metrics": 3, "series": 5}
    return settings.QUOTAS


def push(client: Any, *names: str, query: str = "", **tags: str) -> Any:
    samples = [{"metric": name, "value": 1, **({"tags": tags} if tags else {})} for name in names]
    return client.post(f"/api/v1/samples/{query}", {"samples": samples}, format="json")


def test_one_member_does_not_use_up_the_workspaces_metrics(
    workspace: Workspace, api: Api, quotas: dict[str, int]
) -> None:
    greedy, other = (api(make_member(workspace)) for _ in range(2))
    answer = push(greedy, *(f"m_{number}" for number in range(500)))
    assert answer.status_code == 400
    assert "at most 3 metrics" in answer.json()["errors"]["3"]["metric"][0]
    assert push(greedy, "m_0", "m_1", "m_2").status_code in (200, 201, 202)
    assert push(greedy, "m_3").status_code == 400
    assert push(greedy, "m_0").status_code in (200, 201, 202)
    assert push(other, "n_0").status_code in (200, 201, 202)
    assert Metric.objects.filter(workspace=workspace).count() == 4


def test_one_member_does_not_use_up_the_workspaces_series(
    workspace: Workspace, api: Api, quotas: dict[str, int]
) -> None:
    greedy, other = (api(make_member(workspace)) for _ in range(2))
    for number in range(5):
        assert push(greedy, "load", host=f"h{number}").status_code in (200, 201, 202)
    refused = push(greedy, "load", host="h9")
    assert "at most 5 series" in refused.json()["errors"]["0"]["tags"][0]
    assert push(other, "load", host="h9").status_code in (200, 201, 202)


def test_admins_have_no_limit_of_their_own(
    workspace: Workspace, api: Api, quotas: dict[str, int]
) -> None:
    admin = api(make_member(workspace, Role.ADMIN))
    assert push(admin, *(f"m_{number}" for number in range(9))).status_code in (200, 201, 202)


def test_admins_of_the_workspace_delete_metrics(workspace: Workspace, api: Api) -> None:
    member, admin = api(make_member(workspace)), api(make_member(workspace, Role.ADMIN))
    push(member, "junk")
    assert member.delete(f"{METRICS}junk/").status_code == 403
    assert admin.delete(f"{METRICS}junk/").status_code == 204
    assert admin.delete(f"{METRICS}junk/").status_code == 404
    assert not Series.objects.filter(metric__workspace=workspace).exists()
    entry = AuditEntry.objects.get(action="delete_metric")
    assert (entry.target_name, entry.workspace) == ("junk", workspace)


def test_admins_of_the_workspace_see_and_delete_series(workspace: Workspace, api: Api) -> None:
    maker = make_member(workspace, username="maker")
    member, admin = api(maker), api(make_member(workspace, Role.ADMIN))
    push(member, "load", host="a")
    push(member, "load", host="b")
    first, second = admin.get(f"{METRICS}load/series/").json()
    assert (first["tags"], first["created_by"], first["source"]) == ({"host": "a"}, "maker", None)
    path = f"{METRICS}load/series/{first['id']}/"
    assert member.delete(path).status_code == 403
    assert admin.delete(path).status_code == 204
    assert admin.delete(path).status_code == 404
    assert [each["id"] for each in member.get(f"{METRICS}load/series/").json()] == [second["id"]]
    assert AuditEntry.objects.filter(action="delete_series").count() == 1


def test_another_workspaces_metrics_are_not_found(workspace: Workspace, api: Api) -> None:
    push(api(make_member(workspace)), "mine")
    stranger = api(make_member(make_workspace(), Role.OWNER))
    assert stranger.delete(f"{METRICS}mine/").status_code == 404
    assert stranger.get(f"{METRICS}mine/series/").status_code == 404
    series = Series.objects.get(metric__name="mine")
    assert stranger.delete(f"{METRICS}mine/series/{series.pk}/").status_code == 404
    assert Metric.objects.filter(name="mine").exists()
