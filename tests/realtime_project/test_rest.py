"""Every endpoint of the REST API refuses bodies that are not interoperable JSON."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Role
from tests.conftest import Api
from tests.support.people import make_member

pytestmark = pytest.mark.django_db

WRONG = {
    "half a surrogate pair": '"\\ud800"',
    "nested 50,000 deep": "[" * 50_000,
    "NaN": "NaN",
    "a text without an end": '"\\ud800',
}
DOORS = [
    ("post", "rooms/", "{%s: 1}"),
    ("post", "rooms/", '{"name": %s}'),
    ("post", "rooms/", '{"name": "x", "kind": %s}'),
    ("patch", "rooms/nowhere/members/", '{"user_id": 1, "role": %s}'),
    ("post", "rooms/nowhere/messages/", '{"text": %s}'),
    ("post", "messages/1/reactions/", '{"emoji": %s}'),
    ("post", "notifications/", '{"title": "x", "audience": %s}'),
    ("post", "notifications/", '{"title": "x", "user_id": 1, "severity": %s}'),
    ("post", "samples/", '{"samples": [{"metric": %s, "value": 1}]}'),
    ("post", "samples/", '{"samples": [{%s: 1}]}'),
    ("post", "token/", '{"username": %s, "password": "x"}'),
]


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize(("method", "path", "body"), DOORS)
def test_what_cannot_be_read_is_a_problem_and_no_crash(
    api: Api, method: str, path: str, body: str, wrong: str
) -> None:
    client = api(make_member(role=Role.ADMIN))
    send: Any = getattr(client, method)
    answer = send(f"/api/v1/{path}", body % wrong, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_json"
