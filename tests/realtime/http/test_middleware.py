"""Headers of every response, problem documents, and health."""

import asyncio
import runpy

import httpx
import pytest
from django.db import OperationalError
from django.test import RequestFactory
from rest_framework import exceptions
from websockets.exceptions import InvalidStatus

from realtime.database import threads
from realtime.errors import Conflict, RateLimited
from realtime.http import health
from realtime.http.middleware import trust_proxies
from realtime.http.problems import problem_exception_handler
from realtime.process import gauges
from tests.support.people import make_member
from tests.support.server import serving
from tests.support.sockets import SocketClient


async def test_every_response_names_its_request_and_its_time(server):
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        for path in ("/healthz", "/accounts/login/", "/nowhere/", "/api/v1/me/"):
            response = await client.get(path)
            assert len(response.headers["X-Request-ID"]) == 32
            assert 0 < float(response.headers["X-Process-Time"]) < 5


async def test_a_request_id_of_the_client_is_kept_unless_it_is_malformed(server):
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        kept = await client.get("/healthz", headers={"X-Request-ID": "proxy-17"})
        assert kept.headers["X-Request-ID"] == "proxy-17"
        made = await client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
        assert made.headers["X-Request-ID"] != "a b\tc"


async def test_requests_are_counted_but_not_health_checks(server):
    before = gauges.http_requests.value
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        await client.get("/healthz")
        await client.get("/accounts/login/")
    assert gauges.http_requests.value == before + 1


async def test_a_process_that_can_serve_is_ready(server):
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        response = await client.get("/readyz")
    assert response.status_code == 200
    body = response.json()
    assert (body["database"], body["channel_layer"]) == ("ok", "ok")
    assert set(body["workers"].values()) <= {"running", "stopped"}


async def test_any_number_of_questions_whether_it_is_ready_cost_one_check(server, monkeypatch):
    asked = []
    monkeypatch.setattr(health, "_select_one", lambda: asked.append(1))
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) <= 2


async def test_nothing_is_kept_by_browsers_unless_its_view_says_so(server):
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        for path in ("/accounts/login/", "/dashboards/", "/nowhere/", "/api/v1/me/", "/api/docs/"):
            kept = (await client.get(path)).headers["Cache-Control"]
            assert "no-store" in kept
            assert "private" in kept
        static = await client.get("/static/favicon.svg")
        assert "no-store" not in static.headers["Cache-Control"]


async def test_an_installation_over_tls_is_asked_over_tls_alone(transactional_db, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    settings.SECURE_HSTS_SECONDS = 31_536_000
    application = runpy.run_path(settings.BASE_DIR / "realtime_project" / "asgi.py")["application"]
    async with serving(application) as address, httpx.AsyncClient() as client:
        page = f"http://{address}/accounts/login/"
        over_tls = await client.get(page, headers={"X-Forwarded-Proto": "https"})
        assert over_tls.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "Strict-Transport-Security" not in (await client.get(page)).headers


async def test_without_its_database_a_process_lives_and_is_not_ready(server, monkeypatch):
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(health, "_select_one", away)
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        assert (await client.get("/healthz")).status_code == 200
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"].startswith("unavailable")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("Taken."), 409, "conflict"),
        (exceptions.NotAuthenticated(), 401, "unauthenticated"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.ParseError(), 400, "invalid_json"),
        (exceptions.Throttled(wait=3), 429, "rate_limited"),
    ],
)
def test_every_error_leaves_as_a_problem_document(error, status, code):
    response = problem_exception_handler(error, {"request": RequestFactory().get("/")})
    assert response is not None
    assert response.status_code == status
    assert response.data["code"] == code
    assert response.data["status"] == status
    assert {"type", "title", "detail"} <= response.data.keys()


def test_a_validation_error_names_its_fields():
    error = exceptions.ValidationError({"name": ["This field is required."]})
    response = problem_exception_handler(error, {})
    assert response is not None
    assert response.data["errors"] == {"name": ["This field is required."]}


def test_an_error_says_after_how_many_seconds_to_try_again():
    response = problem_exception_handler(RateLimited("Slow down.", retry_after=1.2), {})
    assert response is not None
    assert response["Retry-After"] == "2"


async def test_an_unknown_path_of_the_api_is_a_problem_document(server):
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        for response in (await client.get("/api/v1/nothing/"), await client.post("/api/v1/x")):
            assert response.status_code == 404
            assert response.headers["Content-Type"] == "application/problem+json"
            assert response.json()["code"] == "not_found"


def test_a_bug_is_left_to_django():
    assert problem_exception_handler(ZeroDivisionError(), {}) is None


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("peer", "trusted", "seen"),
    [
        ("10.0.0.2", ["10.0.0.2"], ("203.0.113.7", True)),
        ("10.9.9.9", ["10.0.0.0/8"], ("203.0.113.7", True)),
        ("198.51.100.1", ["10.0.0.2"], ("198.51.100.1", False)),
        ("10.0.0.2", [], ("10.0.0.2", False)),
    ],
)
async def test_only_a_trusted_proxy_says_who_is_behind_it(kind, peer, trusted, seen):
    scopes = []

    async def application(scope, receive, send):
        scopes.append(scope)

    scope = {
        "type": kind,
        "scheme": "http" if kind == "http" else "ws",
        "client": (peer, 4711),
        "headers": [(b"x-forwarded-for", b"203.0.113.7"), (b"x-forwarded-proto", b"https")],
    }
    await trust_proxies(application, trusted)(scope, None, None)
    assert (scopes[0]["client"][0], scopes[0]["scheme"] in ("https", "wss")) == seen


async def test_the_application_believes_no_proxy_that_is_not_listed(server, connect):
    """The page has another scheme, and only a proxy could claim it for the request."""
    user = await threads.call(make_member)
    pretended = {"Origin": f"https://{server}", "X-Forwarded-Proto": "https"}
    with pytest.raises(InvalidStatus) as refused:
        await connect(user=user, headers=pretended)
    assert refused.value.response.status_code == 403


async def test_the_application_believes_a_proxy_that_is_listed(transactional_db, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    # Loaded again: the imported application was created with the previous settings.
    application = runpy.run_path(settings.BASE_DIR / "realtime_project" / "asgi.py")["application"]
    async with serving(application) as address:
        forwarded = {"Origin": f"https://{address}", "X-Forwarded-Proto": "https"}
        client = await SocketClient.open(f"ws://{address}/ws/dashboard/", forwarded)
        assert (await client.next())["type"] == "connection_established"
        await client.close()
