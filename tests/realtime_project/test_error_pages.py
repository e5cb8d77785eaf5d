"""Every refusal over the real ASGI application, where middleware runs as it does nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
import pytest_asyncio
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from realtime.database import threads
from tests.support.people import PASSWORD, make_member

LOGIN = "/accounts/login/"


@pytest_asyncio.fixture
async def http(settings, server: str) -> AsyncIterator[httpx.AsyncClient]:
    settings.ROOT_URLCONF = "tests.support.faulty_urls"
    cache.clear()
    async with httpx.AsyncClient(base_url=f"http://{server}", timeout=30) as client:
        yield client


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_member(username="alice")


Request = Callable[[httpx.AsyncClient], object]
LARGE = b"x" * (settings.MAX_REQUEST_BYTES + 1)
PAGES: dict[str, tuple[int, Request]] = {
    "400 wrong host": (400, lambda http: http.get(LOGIN, headers={"Host": "evil.example"})),
    "403 without a CSRF token": (403, lambda http: http.post(LOGIN)),
    "404": (404, lambda http: http.get("/nowhere/")),
    "429": (429, lambda http: http.get("/faults/limited/")),
    "500": (500, lambda http: http.get("/faults/broken/")),
    "503": (503, lambda http: http.get("/faults/away/")),
}
PROBLEMS: dict[str, tuple[int, Request]] = {
    "400 no JSON": (400, lambda http: _post(http, "/api/v1/token/", b"{")),
    "401": (401, lambda http: http.get("/api/v1/me/")),
    "404": (404, lambda http: http.get("/api/v1/nowhere/")),
    "405": (405, lambda http: http.get("/api/v1/token/")),
    "413": (413, lambda http: _post(http, "/api/v1/token/", LARGE)),
    "415": (415, lambda http: http.post("/api/v1/token/", data={"username": "x"})),
}


async def _post(http: httpx.AsyncClient, path: str, body: bytes) -> httpx.Response:
    return await http.post(path, content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(("status", "ask"), PAGES.values(), ids=PAGES.keys())
async def test_a_page_that_is_refused_is_a_page(
    http: httpx.AsyncClient, status: int, ask: Request
) -> None:
    answer = await ask(http)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "Pitwall" in answer.text
    assert "Traceback" not in answer.text
    assert ("Retry-After" in answer.headers) == (status in (429, 503))


async def test_a_method_that_a_page_does_not_take_is_named(http: httpx.AsyncClient) -> None:
    answer = await http.get("/accounts/logout/")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(("status", "ask"), PROBLEMS.values(), ids=PROBLEMS.keys())
async def test_a_refusal_of_the_api_is_a_problem_document(
    http: httpx.AsyncClient, status: int, ask: Request
) -> None:
    answer = await ask(http)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"]
    assert problem["detail"]


async def test_the_api_asks_for_the_csrf_token_by_a_problem_document(
    http: httpx.AsyncClient, alice: User
) -> None:
    browser = Client()
    await threads.call(browser.force_login, alice)
    http.cookies.set(settings.SESSION_COOKIE_NAME, browser.session.session_key or "")
    answer = await http.post("/api/v1/ws-ticket/")
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_rate_of_the_api_is_a_problem_document(
    http: httpx.AsyncClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.login.throttling.ScopeThrottle.THROTTLE_RATES", {"token": "1/m"})
    body = {"username": "alice", "password": PASSWORD}
    answers = [await http.post("/api/v1/token/", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["Retry-After"]) > 0
    assert answers[1].json()["code"] == "rate_limited"
