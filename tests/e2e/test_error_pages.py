"""Every refusal is a page for people and a problem document for programs, over the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from . import servers
from .installations import behind_proxies
from .servers import Server

pytestmark = pytest.mark.e2e

SETTINGS = "tests.support.failing"
JSON = {"Content-Type": "application/json"}
LARGE = b"[" + b" " * 2_700_000 + b"]"
HEADER = {"X-Padding": "x" * 40_000}


@dataclass(frozen=True)
class Case:
    """A request, and the status that it gets. `signed_in`: with alice's token or session."""

    status: int
    method: str
    path: str
    signed_in: bool = False
    headers: dict[str, str] | None = None
    content: bytes = b""


PAGES = [
    Case(400, "GET", "/planted/400/"),
    Case(400, "GET", "/", headers={"Host": "elsewhere.example"}),
    Case(403, "GET", "/planted/403/"),
    Case(403, "POST", "/accounts/login/", content=b"username=alice"),
    Case(404, "GET", "/nowhere/"),
    Case(405, "GET", "/accounts/logout/"),
    Case(413, "POST", "/accounts/login/", content=LARGE),
    Case(431, "GET", "/dashboards/", headers=HEADER),
    Case(500, "GET", "/planted/500/"),
]
PROBLEMS = [
    Case(400, "POST", "/api/v1/samples/", signed_in=True, headers=JSON, content=b"{"),
    Case(400, "GET", "/api/v1/planted/400/"),
    Case(400, "GET", "/api/v1/me/", headers={"Host": "elsewhere.example"}),
    Case(401, "GET", "/api/v1/me/"),
    Case(403, "GET", "/api/v1/planted/403/"),
    Case(404, "GET", "/api/v1/nowhere/"),
    Case(405, "PUT", "/api/v1/me/", signed_in=True),
    Case(413, "POST", "/api/v1/samples/", signed_in=True, headers=JSON, content=LARGE),
    Case(
        415,
        "POST",
        "/api/v1/samples/",
        signed_in=True,
        headers={"Content-Type": "text/csv"},
        content=b"a,b",
    ),
    Case(431, "GET", "/api/v1/me/", headers=HEADER),
    Case(500, "GET", "/api/v1/planted/500/"),
]


@pytest.fixture(
    scope="module", params=["embedded", pytest.param("production", marks=pytest.mark.services)]
)
def failing_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("failing")
    if request.param == "embedded":
        with servers.embedded(folder, settings=SETTINGS) as running:
            yield running
    else:
        with servers.production(folder, processes=1, workers=(), settings=SETTINGS) as running:
            yield running


def ask(server: Server, case: Case) -> httpx.Response:
    headers = {"Host": f"127.0.0.1:{server.port}", **(case.headers or {})}
    if case.signed_in:
        headers["Authorization"] = f"Bearer {server.token()}"
    with httpx.Client(base_url=server.url, timeout=30) as client:
        return client.request(case.method, case.path, headers=headers, content=case.content)


def named(case: Case) -> str:
    return f"{case.status} {case.method} {case.path}"


def assert_page(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "<h1>" in answer.text
    assert f" {status}<" in answer.text
    assert "Traceback" not in answer.text


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "no-store" in answer.headers["Cache-Control"]
    problem: dict[str, Any] = json.loads(answer.text)
    assert problem["status"] == status
    assert problem["code"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize("case", PAGES, ids=named)
def test_people_get_a_page(failing_server: Server, case: Case) -> None:
    assert_page(ask(failing_server, case), case.status)


@pytest.mark.parametrize("case", PROBLEMS, ids=named)
def test_programs_get_a_problem_document(failing_server: Server, case: Case) -> None:
    assert_problem(ask(failing_server, case), case.status)


def test_a_page_of_a_refusal_is_in_the_language_of_its_reader(failing_server: Server) -> None:
    chinese = {"Accept-Language": "zh-CN"}
    for case in (
        Case(413, "POST", "/accounts/login/", headers=chinese, content=LARGE),
        Case(431, "GET", "/dashboards/", headers=chinese | HEADER),
    ):
        page = ask(failing_server, case)
        assert_page(page, case.status)
        assert 'lang="zh-hans"' in page.text
        assert "太大" in page.text


def test_who_asks_too_often_is_told_when_to_go_on(failing_server: Server) -> None:
    asked = Case(429, "POST", "/api/v1/ws-ticket/", signed_in=True)
    answers = (ask(failing_server, asked) for _ in range(140))
    refused = next(answer for answer in answers if answer.is_error)
    assert assert_problem(refused, 429)["code"] == "rate_limited"
    assert int(refused.headers["Retry-After"]) > 0


@pytest.mark.services
def test_without_the_database_pages_and_programs_get_503(tmp_path: Path) -> None:
    with ExitStack() as stack:
        installation = stack.enter_context(
            behind_proxies(tmp_path, processes=1, workers=(), settings=SETTINGS)
        )
        server = installation.server
        token = {"Authorization": f"Bearer {server.token()}"}
        with installation.database_away():
            session = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={'s' * 32}"}
            page = ask(server, Case(503, "GET", "/dashboards/", headers=session))
            assert_page(page, 503)
            assert int(page.headers["Retry-After"]) > 0
            problem = ask(server, Case(503, "GET", "/api/v1/me/", headers=token))
            assert assert_problem(problem, 503)["code"] == "unavailable"
            assert int(problem.headers["Retry-After"]) > 0
            upload = Case(503, "POST", "/api/v1/attachments/", headers=token, content=LARGE)
            assert_problem(ask(server, upload), 503)
        assert "Traceback" not in server.output
