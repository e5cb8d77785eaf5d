"""The REST API: metrics, history, samples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import Role, Workspace
from accounts.selectors import principal_of
from dashboard.api import serializers
from dashboard.models import Metric, Sample, Series
from dashboard.samples import instants
from dashboard.services import samples as pushing
from realtime.errors import PermissionDenied
from tests.conftest import Api
from tests.support.documented import DocumentedClient
from tests.support.metrics import (
    SECOND,
    make_metric,
    make_series,
    make_source,
    now_us,
    this_minute,
    write,
)
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db

METRICS = "/api/v1/metrics/"
SAMPLES = "/api/v1/samples/"


@pytest.fixture
def workspace() -> Workspace:
    return make_workspace()


@pytest.fixture
def client(api: Api, workspace: Workspace) -> Any:
    return api(make_member(workspace))


def push(client: Any, *samples: Any, query: str = "") -> Any:
    return client.post(SAMPLES + query, {"samples": list(samples)}, format="json")


# --- metrics/ and metrics/{name}/history/ -------------------------------------------------------


def test_the_list_has_every_metric_with_its_newest_value(client: Any, workspace: Workspace) -> None:
    rpm = make_metric(workspace, "rpm", title="Engine speed", unit="1/min", decimals=0)
    make_metric(workspace, "cpu_usage", group="system", unit="%")
    at = this_minute()
    write(make_series(rpm), [(at, 11_800.0), (at - SECOND, 3.0)])
    assert client.get(METRICS).json() == [
        {
            "name": "cpu_usage",
            "title": "Cpu usage",
            "group": "system",
            "unit": "%",
            "decimals": 1,
            "simulated": False,
            "latest": None,
        },
        {
            "name": "rpm",
            "title": "Engine speed",
            "group": "custom",
            "unit": "1/min",
            "decimals": 0,
            "simulated": False,
            "latest": {"value": 11_800.0, "timestamp": instants.rfc3339(at)},
        },
    ]


def test_the_newest_value_outlives_its_sample(client: Any, workspace: Workspace) -> None:
    series = make_series(make_metric(workspace))
    write(series, [(this_minute(), 4.5)])
    Sample.objects.all().delete()
    assert client.get(METRICS).json()[0]["latest"]["value"] == 4.5


def test_history_has_mean_minimum_maximum_and_count(client: Any, workspace: Workspace) -> None:
    series = make_series(make_metric(workspace, "rpm", unit="1/min"), simulated=True)
    minute = this_minute()
    write(series, [(minute + n * SECOND, float(n)) for n in range(60)])
    answer = client.get(f"{METRICS}rpm/history/?hours=24&points=500").json()
    assert answer == {
        "metric": "rpm",
        "unit": "1/min",
        "simulated": True,
        "resolution": 300.0,
        "data": [
            {
                "timestamp": instants.rfc3339(minute // (300 * SECOND) * 300 * SECOND),
                "value": 29.5,
                "min": 0.0,
                "max": 59.0,
                "count": 60,
            }
        ],
    }


def test_history_of_a_range_in_either_spelling(client: Any, workspace: Workspace) -> None:
    minute = this_minute()
    write(make_series(make_metric(workspace, "rpm")), [(minute, 1.0), (minute + SECOND, 2.0)])
    start, end = instants.rfc3339(minute), instants.to_datetime(minute + SECOND).timestamp()
    answer = client.get(f"{METRICS}rpm/history/", {"start": start, "end": end}).json()
    assert [point["value"] for point in answer["data"]] == [1.0]
    plus = instants.rfc3339(minute).replace("Z", "+00:00")  # pasted by a user, not encoded
    answer = client.get(f"{METRICS}rpm/history/?start={plus}").json()
    assert [point["value"] for point in answer["data"]] == [1.0, 2.0]


def test_a_series_beside_the_live_one_is_reached_by_its_tags(
    client: Any, workspace: Workspace
) -> None:
    metric = make_metric(workspace, "rpm")
    at = this_minute()
    write(make_series(metric), [(at, 1.0)])
    write(make_series(metric, {"bank": "left"}), [(at, 2.0)])
    url = f"{METRICS}rpm/history/"
    assert client.get(url).json()["data"][0]["value"] == 1.0
    left = client.get(url, {"tags": json.dumps({"bank": "left"})}).json()
    assert left["data"][0]["value"] == 2.0
    missing = client.get(url, {"tags": json.dumps({"bank": "right"})})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_a_metric_without_samples_has_an_empty_history(client: Any, workspace: Workspace) -> None:
    make_metric(workspace, "rpm")
    assert client.get(f"{METRICS}rpm/history/").json()["data"] == []


def test_an_unknown_metric_is_not_found(client: Any) -> None:
    answer = client.get(f"{METRICS}no_such/history/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"hours": "many"}, "hours"),
        ({"hours": "nan"}, "hours"),
        ({"hours": "-1"}, "hours"),
        ({"start": "then"}, "start"),
        ({"start": "1795300000", "end": "1795200000"}, "end"),
        ({"points": "0"}, "points"),
        ({"points": "1e9"}, "points"),
        ({"tags": "[1]"}, "tags"),
        ({"tags": "[" * 1500}, "tags"),
    ],
)
def test_a_history_query_that_does_not_fit_is_refused_by_field(
    client: Any, workspace: Workspace, query: dict[str, str], field: str
) -> None:
    make_metric(workspace, "rpm")
    answer = client.get(f"{METRICS}rpm/history/", query)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


# --- samples/ ------------------------------------------------------------------------------------


def test_a_pushed_sample_of_an_unknown_metric_makes_it_in_group_custom(
    client: Any, workspace: Workspace
) -> None:
    answer = push(client, {"metric": "oil_pressure", "value": 4.2})
    assert (answer.status_code, answer.json()) == (201, {"accepted": 1})
    metric = Metric.objects.get(workspace=workspace)
    assert (metric.name, metric.group) == ("oil_pressure", "custom")
    (listed,) = client.get(METRICS).json()
    assert listed["latest"]["value"] == 4.2


def test_samples_of_a_batch_keep_their_own_times_and_tags(
    client: Any, workspace: Workspace
) -> None:
    at = now_us() // SECOND * SECOND
    answer = push(
        client,
        {"metric": "rpm", "value": 1, "timestamp": instants.rfc3339(at - SECOND)},
        {"metric": "rpm", "value": 2, "timestamp": at // SECOND},
        {"metric": "rpm", "value": 3, "timestamp": at // SECOND, "tags": {"bank": "left"}},
    )
    assert answer.status_code == 201
    rows = Sample.objects.order_by("value").values_list("series__tags", "at", "value")
    assert list(rows) == [({}, at - SECOND, 1), ({}, at, 2), ({"bank": "left"}, at, 3)]


def test_of_two_samples_at_one_time_the_later_in_the_batch_wins(client: Any) -> None:
    twice = {"metric": "rpm", "timestamp": now_us() // SECOND}
    assert push(client, {**twice, "value": 1}, {**twice, "value": 2}).json() == {"accepted": 2}
    assert Sample.objects.get().value == 2


GOOD: dict[str, Any] = {"metric": "rpm", "value": 1.5}
MALFORMED = [
    ({"metric": "rpm"}, "value"),
    ({"metric": "rpm", "value": "1.5"}, "value"),
    ({"metric": "rpm", "value": True}, "value"),
    ({"metric": "rpm", "value": None}, "value"),
    ({"metric": "rpm", "value": [1]}, "value"),
    ({"metric": "rpm", "value": 10**400}, "value"),
    ({"metric": "rpm", "value": 1e301}, "value"),
    ({"value": 1}, "metric"),
    ({"metric": "", "value": 1}, "metric"),
    ({"metric": 7, "value": 1}, "metric"),
    ({"metric": "RPM", "value": 1}, "metric"),
    ({"metric": "r pm", "value": 1}, "metric"),
    ({"metric": "r" * 65, "value": 1}, "metric"),
    ({"metric": "rpm\n", "value": 1}, None),  # trimmed, as in DRF
    ({**GOOD, "timestamp": "now"}, "timestamp"),
    ({**GOOD, "timestamp": "2026-11-21T10:00:00"}, "timestamp"),
    ({**GOOD, "timestamp": -5}, "timestamp"),
    ({**GOOD, "timestamp": 1e300}, "timestamp"),
    ({**GOOD, "timestamp": {}}, "timestamp"),
    ({**GOOD, "tags": "room"}, "tags"),
    ({**GOOD, "tags": {"room": 7}}, "tags"),
    ({**GOOD, "tags": {"room": "x" * 65}}, "tags"),
    ({**GOOD, "time": 1}, "time"),
    ("rpm=1", "non_field_errors"),
    (None, "non_field_errors"),
    ([], "non_field_errors"),
]


@pytest.mark.parametrize(("sample", "field"), [case for case in MALFORMED if case[1]])
def test_a_malformed_sample_is_refused_by_its_index_and_nothing_is_stored(
    client: Any, sample: Any, field: str
) -> None:
    answer = push(client, GOOD, sample, GOOD)
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["code"] == "invalid_command"
    assert list(problem["errors"]) == ["1"]
    assert list(problem["errors"]["1"]) == [field]
    assert all(isinstance(reason, str) for reason in problem["errors"]["1"][field])
    assert not Metric.objects.exists()
    assert not Sample.objects.exists()


def test_partial_stores_the_good_ones_and_tells_of_the_others(client: Any) -> None:
    answer = push(
        client, GOOD, {"metric": "rpm"}, {"metric": "gear", "value": 3}, query="?partial=1"
    )
    assert answer.status_code == 201
    assert answer.json()["accepted"] == 2
    assert list(answer.json()["errors"]) == ["1"]
    assert set(Metric.objects.values_list("name", flat=True)) == {"rpm", "gear"}


def test_partial_with_no_good_sample_at_all_is_an_error(client: Any) -> None:
    assert push(client, {"metric": "rpm"}, query="?partial=1").status_code == 400


@pytest.mark.parametrize("offset", [-25 * instants.HOUR, 2 * instants.MINUTE])
def test_samples_that_are_too_old_or_from_the_future_are_refused(client: Any, offset: int) -> None:
    answer = push(client, {**GOOD, "timestamp": instants.rfc3339(now_us() + offset)})
    assert (answer.status_code, list(answer.json()["errors"]["0"])) == (400, ["timestamp"])


def test_a_clock_that_is_a_little_ahead_is_forgiven(client: Any) -> None:
    assert push(client, {**GOOD, "timestamp": now_us() / SECOND + 20}).status_code == 201


def test_how_far_back_samples_are_taken_is_the_metrics_own_retention(
    client: Any, workspace: Workspace
) -> None:
    make_metric(workspace, "rpm", raw_hours=72)
    old = {**GOOD, "timestamp": now_us() / SECOND - 48 * 3600}
    assert push(client, old).status_code == 201


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"samples": []}', '{"samples": {}}', '{"samples": 3}', "3", "{", ""]
)
def test_a_body_of_another_shape_is_refused(client: Any, body: str) -> None:
    answer = client.post(SAMPLES, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_json_does_not_have_are_refused(client: Any, value: str) -> None:
    body = f'{{"samples": [{{"metric": "rpm", "value": {value}}}]}}'
    assert client.post(SAMPLES, body, content_type="application/json").status_code == 400
    assert not Sample.objects.exists()


def test_a_batch_has_a_limit(client: Any) -> None:
    too_many = [GOOD] * (serializers.MAX_SAMPLES + 1)
    assert list(push(client, *too_many).json()["errors"]) == ["samples"]


def test_a_viewer_may_not_push(api: Api, workspace: Workspace) -> None:
    answer = push(api(make_member(workspace, Role.VIEWER)), GOOD)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert not Metric.objects.exists()


def test_the_service_itself_refuses_a_viewer_whatever_the_door(workspace: Workspace) -> None:
    viewer = principal_of(make_member(workspace, Role.VIEWER))
    with pytest.raises(PermissionDenied):
        pushing.push_samples(principal=viewer, samples={}, malformed={}, partial=False, now=0)


def test_nobody_may_push_without_saying_who_they_are(workspace: Workspace) -> None:
    assert push(DocumentedClient(), GOOD).status_code == 401


def test_the_number_of_metrics_is_limited(
    client: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "MAX_METRICS", 2)
    make_metric(workspace, "rpm")
    new = [{"metric": name, "value": 1} for name in ("rpm", "gear", "fuel", "gear")]
    assert list(push(client, *new).json()["errors"]) == ["2"]
    assert push(client, *new, query="?partial=1").json()["accepted"] == 3


def test_the_number_of_series_is_limited(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "MAX_SERIES", 2)
    tagged = [{**GOOD, "tags": {"wheel": str(n)}} for n in (1, 2, 1, 3)]
    errors = push(client, *tagged).json()["errors"]
    assert (list(errors), list(errors["3"])) == (["3"], ["tags"])


def test_what_a_source_measures_takes_pushed_samples_only_beside_it(
    client: Any, workspace: Workspace
) -> None:
    metric = make_metric(workspace, "cpu_usage", group="system")
    source = make_source(workspace)
    make_series(metric, {"source": "host"}, source=source)
    sample = {"metric": "cpu_usage", "value": 5}
    assert list(push(client, sample).json()["errors"]["0"]) == ["metric"]
    own = {"source": "host"}
    assert list(push(client, {**sample, "tags": own}).json()["errors"]["0"]) == ["metric"]
    assert push(client, {**sample, "tags": {"host": "db-2"}}).status_code == 201


def test_pushed_samples_take_over_from_the_simulator(client: Any, workspace: Workspace) -> None:
    metric = make_metric(workspace, "temperature")
    source = make_source(workspace, "simulator", kind="simulator")
    make_series(metric, {"source": "simulator"}, source=source, simulated=True)
    assert push(client, {"metric": "temperature", "value": 30}).status_code == 201
    (listed,) = client.get(METRICS).json()
    assert (listed["simulated"], listed["latest"]["value"]) == (False, 30.0)


def test_a_batch_costs_as_many_queries_as_a_single_sample(
    client: Any, django_assert_max_num_queries: Any
) -> None:
    push(client, GOOD)
    names = ["rpm", "gear", "fuel", "oil"]
    with django_assert_max_num_queries(40):
        push(client, *({"metric": name, "value": 1} for name in names for _ in range(100)))
    assert Series.objects.count() == 4
