"""Every answer of the REST API says how many requests are left, and until when."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from realtime.http.views import RestView
from tests.conftest import Api
from tests.support.documented import DocumentedProgram
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db
LEFT = re.compile(r'"([\w-]+)";r=(\d+);t=(\d+)')
POLICY = re.compile(r'"([\w-]+)";q=(\d+);w=(\d+)')


@pytest.fixture(autouse=True)
def new_counts() -> None:
    cache.clear()


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    changed = dict(SimpleRateThrottle.THROTTLE_RATES)
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", changed)
    return changed


def left(answer: Any) -> tuple[str, int, int]:
    found = LEFT.fullmatch(answer["RateLimit"])
    assert found, answer["RateLimit"]
    return found[1], int(found[2]), int(found[3])


def policies(answer: Any) -> list[tuple[str, int, int]]:
    parts = [POLICY.fullmatch(part) for part in answer["RateLimit-Policy"].split(", ")]
    return [(part[1], int(part[2]), int(part[3])) for part in parts if part]


def test_each_request_leaves_one_less(api: Api) -> None:
    client = api(make_member())
    first, second = (client.get("/api/v1/metrics/") for _ in range(2))
    assert policies(first) == [("user", 1200, 60)]
    assert left(first) == ("user", 1199, 60)
    assert left(second)[:2] == ("user", 1198)
    assert 0 < left(second)[2] <= 60


def test_of_several_limits_the_one_that_is_met_first_is_told(
    api: Api, rates: dict[str, str]
) -> None:
    rates |= {"samples": "3/minute", "user": "5/minute"}
    client = api(make_member())
    body = {"samples": [{"metric": "heat", "value": 1}]}
    pushed = client.post("/api/v1/samples/", body)
    assert policies(pushed) == [("user", 5, 60), ("samples", 3, 60)]
    assert left(pushed)[:2] == ("samples", 2)
    # Of this endpoint only the user's limit counts; of the other one, that limit is now closer.
    assert [left(client.get("/api/v1/metrics/"))[:2] for _ in range(3)] == [
        ("user", 3), ("user", 2), ("user", 1),
    ]  # fmt: skip
    assert left(client.post("/api/v1/samples/", body))[:2] == ("user", 0)


def test_a_refusal_says_the_same_as_retry_after(api: Api, rates: dict[str, str]) -> None:
    rates["user"] = "1/minute"
    client = api(make_member())
    assert left(client.get("/api/v1/metrics/"))[1] == 0
    refused = client.get("/api/v1/metrics/")
    assert refused.status_code == 429
    name, remaining, more_in = left(refused)
    assert (name, remaining) == ("user", 0)
    assert abs(more_in - int(refused["Retry-After"])) <= 1


def test_answers_before_the_limits_are_checked_tell_them_and_count_nothing() -> None:
    someone = DocumentedProgram(REMOTE_ADDR="192.0.2.7")
    answers = [
        someone.get("/api/v1/rooms/"),
        someone.get("/api/v1/rooms/", headers={"Authorization": "Bearer nonsense"}),
        someone.get("/api/v1/rooms/", headers={"Accept": "text/html"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 406]
    assert [left(answer)[:2] for answer in answers] == [("address", 60)] * 3


def test_every_kind_of_answer_tells_them() -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_member(make_workspace()))
    for answer in (
        client.get("/api/v1/me/"),
        client.get("/api/v1/nowhere/"),
        client.get("/api/v1/rooms/nowhere/"),
        client.get("/api/v1/rooms/?x=1"),
        client.put("/api/v1/rooms/", {}),
        client.post("/api/v1/rooms/", {}),
        client.options("/api/v1/rooms/"),
        client.head("/api/v1/rooms/"),
    ):
        assert left(answer)[1] > 0, answer.status_code


def test_every_view_of_the_api_tells_them() -> None:
    for view in _views(get_resolver("realtime_project.api")):
        assert issubclass(view, RestView), f"{view} is no RestView"


def test_pages_of_other_origins_may_read_them(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://wall.example.com"]
    program = DocumentedProgram(headers={"Origin": "https://wall.example.com"})
    answer = program.get("/api/v1/rooms/")
    exposed = {name.strip() for name in answer["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {
        "Retry-After", "X-Request-ID", "X-Process-Time", "RateLimit", "RateLimit-Policy",
        "Content-Disposition", "Content-Range", "ETag",
    }  # fmt: skip


def _views(resolver: URLResolver) -> list[Any]:
    found: list[Any] = []
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            found.append(pattern.callback.view_class)  # type: ignore[union-attr]
        else:
            found += _views(pattern)
    return found
