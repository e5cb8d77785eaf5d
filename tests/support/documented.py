"""REST clients that check every request and response against docs/openapi.yaml."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from django.test import Client
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from rest_framework.test import APIClient

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
ROOT = "urn:openapi"
# Responses that any request may get, and that no operation lists.
EVERYWHERE = {405, 406}


class Documented:
    """Fails if a successful request, or any response, differs from the document."""

    def generic(
        self,
        method: str,
        path: str,
        data: Any = "",
        content_type: str | None = "application/octet-stream",
        *args: Any,
        **extra: Any,
    ) -> Any:
        generic: Any = super().generic  # type: ignore[misc]
        response = generic(method, path, data, content_type, *args, **extra)
        address = urlsplit(str(path))
        if not address.path.startswith("/api/v1/"):
            return response
        found = find(method, address.path)
        if found is None:
            assert response.status_code in EVERYWHERE | {404}, f"undocumented: {method} {path}"
        elif response.status_code not in EVERYWHERE:
            where = f"{method} {path}"
            check_answer(where, found, response)
            if response.status_code < 300:
                # Query parameters that a test passes separately are in the query string as well.
                asked = parse_qs(extra.get("QUERY_STRING", "") or address.query)
                check_request(where, found, asked, "" if method == "GET" else data, content_type)
        return response


class DocumentedClient(Documented, APIClient):
    """A client that signs in as a user."""


class DocumentedProgram(Documented, Client):
    """A client that sends only the credentials that it is given."""


@cache
def document() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(DOCUMENT.read_text(), Loader=loader)
    return loaded


def find(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation of a request; None if the document has none."""
    for pattern, operations in _patterns():
        if pattern.fullmatch(path) and method.lower() in operations:
            operation: dict[str, Any] = operations[method.lower()]
            return operation
    return None


def check_answer(where: str, operation: dict[str, Any], response: Any) -> None:
    """Check that the document lists the response's status and body."""
    status = str(response.status_code)
    assert status in operation["responses"], f"{where}: {status} is not documented"
    content = _resolved(operation["responses"][status]).get("content")
    if not content:
        assert response.content in (b"", None), f"{where}: {status} has a body"
        return
    media_type = response.headers["Content-Type"].partition(";")[0]
    assert media_type in content or "*/*" in content, f"{where}: {status} is {media_type}"
    if media_type.endswith("json") and media_type in content:
        _check(f"{where}: {status}", content[media_type]["schema"], response.json())


def check_request(
    where: str, operation: dict[str, Any], asked: dict[str, Any], data: Any, content_type: Any
) -> None:
    """Check that a successful request has only documented parameters and fields."""
    parameters = [_resolved(each) for each in operation.get("parameters", ())]
    known = {each["name"] for each in parameters if each["in"] == "query"}
    assert asked.keys() <= known, f"{where}: {asked.keys() - known} is not documented"
    content = operation.get("requestBody", {}).get("content", {})
    # With `partial`, the refused items of a batch do not match the schema.
    if data and "partial" not in asked and str(content_type).startswith("application/json"):
        assert content, f"{where}: a body is not documented"
        _check(f"{where}: body", content["application/json"]["schema"], json.loads(data))


def _check(where: str, schema: dict[str, Any], body: Any) -> None:
    errors = sorted(_validator(json.dumps(schema)).iter_errors(body), key=str)
    assert not errors, f"{where}: {errors[0].json_path}: {errors[0].message}"


@cache
def _validator(schema: str) -> Draft202012Validator:
    absolute = json.loads(schema.replace('"#/', f'"{ROOT}#/'))
    return Draft202012Validator(absolute, registry=_registry())


@cache
def _registry() -> Registry:
    """Return the document with schemas that allow no undocumented fields."""
    strict = copy.deepcopy(document())
    for schema in strict["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    # Problem documents may have additional members (RFC 9457).
    strict["components"]["schemas"]["Problem"]["additionalProperties"] = True
    resource = Resource.from_contents(strict, default_specification=DRAFT202012)
    return Registry().with_resource(ROOT, resource)


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    found: Any = document()
    if "$ref" not in part:
        return part
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Return the paths, those without parameters first: `messages/preview/` is not a message."""
    paths = sorted(document()["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), each) for path, each in paths]
