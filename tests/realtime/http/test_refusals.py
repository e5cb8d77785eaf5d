"""Refusals by services over the real ASGI application: as a page, and as a problem document."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from django.core.cache import cache

from tests.support.people import PASSWORD, make_user


@pytest_asyncio.fixture
async def http(settings, server: str) -> AsyncIterator[httpx.AsyncClient]:
    settings.ROOT_URLCONF = "tests.support.faulty_urls"
    cache.clear()
    async with httpx.AsyncClient(base_url=f"http://{server}", timeout=30) as client:
        yield client


@pytest.mark.parametrize(("name", "status", "seconds"), [("limited", 429, 7), ("away", 503, 3)])
async def test_a_page_that_is_refused_for_now_says_so(
    http: httpx.AsyncClient, name: str, status: int, seconds: int
) -> None:
    answer = await http.get(f"/faults/{name}/")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert int(answer.headers["Retry-After"]) == seconds
    assert "Not now" in answer.text


async def test_a_fault_of_ours_stays_one(http: httpx.AsyncClient) -> None:
    answer = await http.get("/faults/broken/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text


@pytest.fixture
def alice(transactional_db: None) -> None:
    make_user("alice")


async def test_a_rate_of_the_api_is_a_problem_document(
    http: httpx.AsyncClient, alice: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.login.throttling.ScopeThrottle.THROTTLE_RATES", {"token": "1/m"})
    body = {"username": "alice", "password": PASSWORD}
    answers = [await http.post("/api/v1/token/", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["Retry-After"]) > 0
    assert answers[1].headers["Content-Type"] == "application/problem+json"
    assert answers[1].json()["code"] == "rate_limited"
