"""The OpenAPI document: complete, in sync with the code, and served under the strict policy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import translation

from accounts.models import Role
from tests.conftest import Api
from tests.support import documented
from tests.support.documented import DocumentedClient, DocumentedProgram
from tests.support.people import make_member
from tests.support.rooms import Team


def test_the_document_is_what_the_code_says(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yaml"
    with translation.override("en"):
        call_command("spectacular", file=str(made), validate=True, fail_on_warn=True)
    assert made.read_text() == documented.DOCUMENT.read_text(), "run `make openapi`"


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_the_document_is_served_to_everybody(accept: str) -> None:
    answer = Client(headers={"Accept": accept, "Accept-Language": "zh-CN"}).get("/api/schema/")
    assert answer.status_code == 200
    read = yaml.safe_load if accept == "*/*" else json.loads
    assert read(answer.content) == documented.document()


@pytest.mark.django_db
def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(client: Client) -> None:
    answer = client.get("/api/docs/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page) == []
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert all(address.startswith("/") for address in addresses)
    files = [address for address in addresses if address.startswith("/static/")]
    assert len(files) >= 4
    assert [each for each in files if not finders.find(each.removeprefix("/static/"))] == []


@pytest.mark.django_db
def test_the_page_of_tokens_leads_to_the_document(client: Client) -> None:
    client.force_login(make_member())
    assert 'href="/api/docs/"' in client.get("/accounts/profile/tokens/").content.decode()


def test_every_operation_is_named_grouped_and_told_in_a_sentence() -> None:
    operations = [
        operation for path in documented.document()["paths"].values() for operation in path.values()
    ]
    tags = {tag["name"] for tag in documented.document()["tags"]}
    assert len(operations) > 40
    for operation in operations:
        assert operation["summary"], operation["operationId"]
        assert set(operation["tags"]) <= tags
        assert "429" in operation["responses"] or operation["tags"] == ["health"]


def test_every_address_and_method_of_the_api_is_in_the_document() -> None:
    served = {
        ("/api/v1/" + re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", route), method)
        for route, view in _routes(get_resolver("realtime_project.api"))
        for method in view.view_class.http_method_names
        if hasattr(view.view_class, method) and method not in ("options", "head")
    }
    described = {
        (path, method)
        for path, operations in documented.document()["paths"].items()
        for method in operations
        if path.startswith("/api/v1/")
    }
    assert len(served) > 40
    assert served == described


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route)
        elif route:  # the empty one answers unknown paths
            yield route, pattern.callback


# The client itself checks each of these against the document.


@pytest.mark.django_db
def test_refusals_are_as_documented() -> None:
    rooms = "/api/v1/rooms/"
    member = make_member()

    def signed_in(**options: Any) -> DocumentedClient:
        client = DocumentedClient(**options)
        client.force_login(member)
        return client

    statuses = [
        DocumentedProgram().get(rooms),
        DocumentedProgram(headers={"Authorization": "Bearer nonsense"}).get(rooms),
        signed_in(enforce_csrf_checks=True).post(rooms, {"name": "Ops"}),
        signed_in().post("/api/v1/notifications/", {"title": "x", "audience": "everybody"}),
        signed_in().get(f"{rooms}?workspace=elsewhere"),
        signed_in().get(f"{rooms}nowhere/"),
        signed_in().post(rooms, "{", content_type="application/json"),
        signed_in().post(rooms, {"name": ""}),
        signed_in().post(rooms, "name=Ops", content_type="text/plain"),
        signed_in().put(rooms, {}),
        signed_in().get(rooms, headers={"Accept": "text/html"}),
    ]
    assert [each.status_code for each in statuses] == [
        401, 401, 403, 403, 404, 404, 400, 400, 415, 405, 406,
    ]  # fmt: skip
    for answer in statuses:
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_too_many_requests_are_told_when_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts.login.throttling import AddressThrottle

    monkeypatch.setattr(AddressThrottle, "THROTTLE_RATES", {"address": "1/minute"})
    program = DocumentedProgram(REMOTE_ADDR="192.0.2.99")
    body = {"username": "nobody", "password": "wrong"}
    answers = [
        program.post("/api/v1/token/", body, content_type="application/json") for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [401, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "rate_limited"


async def test_what_the_server_itself_refuses_or_tells_is_as_documented(
    server: str, transactional_db: None, settings: Any
) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server}", timeout=60) as client:
        answers = [
            await client.post("/api/v1/token/", content=b" " * (settings.MAX_REQUEST_BYTES + 1)),
            await client.get("/healthz"),
            await client.get("/readyz"),
        ]
    assert [answer.status_code for answer in answers] == [413, 200, 200]
    for answer in answers:
        method, path = answer.request.method, answer.request.url.path
        operation = documented.find(method, path)
        assert operation is not None
        documented.check_answer(f"{method} {path}", operation, answer)


@pytest.mark.django_db
def test_every_operation_that_reads_answers_as_documented(api: Api) -> None:
    team = Team()
    sent = team.say(team.bob, team.general, "Box this lap")
    client = api(team.person("chief", Role.ADMIN))
    values = {"slug": "general", "message_id": sent.message_id, "name": "cpu_usage"}
    asked = {"search_messages": {"q": "lap"}, "list_attachments": {"room": "general"}}
    reads = 0
    for path, operations in documented.document()["paths"].items():
        operation = operations.get("get")
        needed = set(re.findall(r"{(\w+)}", path))
        if operation is None or path.startswith(("/healthz", "/readyz")) or needed - set(values):
            continue
        answer = client.get(path.format(**values), asked.get(operation["operationId"], {}))
        assert answer.status_code == (404 if "cpu_usage" in path.format(**values) else 200), path
        reads += 1
    assert reads > 12
