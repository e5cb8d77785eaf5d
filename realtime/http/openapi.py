"""The REST API's OpenAPI document: docs/openapi.yaml, `/api/schema/` and the page that shows it.

A view declares the name, the input and the answers of each of its methods:

    @operation("create_room", "Make a room", body=RoomSerializer, answers={201: RoomSummary})
    def post(self, request): ...

The parts that all operations share are added here: authentication, refusals
(realtime.http.problems) and rate limits (realtime.http.rate_limits). A query parameter that an
operation does not describe is refused (realtime.http.parameters).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from drf_spectacular.drainage import warn
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from msgspec import UNSET, Struct, UnsetType
from rest_framework import serializers

from realtime.http.parameters import checked

F = TypeVar("F", bound=Callable[..., Any])
Document = dict[str, Any]

PROBLEM = "application/problem+json"
_REF = "#/components/schemas/{name}"


class Problem(Struct, kw_only=True):
    """The reason why a request was refused (RFC 9457).

    `code` is for programs: `invalid_json`, `invalid_command`, `unsupported_data`,
    `unauthenticated`, `permission_denied`, `not_found`, `conflict`, `rate_limited`, `unavailable`
    and others that operations name. `detail` is a sentence for users, in the language of the
    request. `errors` maps each invalid field to messages, or to the same again for a nested value.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: dict[str, Any] | UnsetType = UNSET


_RETRY_AFTER = {
    "description": "Seconds after which the same request may succeed.",
    "schema": {"type": "integer", "minimum": 0},
}
RATE_LIMITS: Document = {
    "RateLimit-Policy": {
        "description": (
            "The limits that count this request: name, `q` requests in `w` seconds "
            "(draft-ietf-httpapi-ratelimit-headers)."
        ),
        "schema": {"type": "string", "examples": ['"user";q=1200;w=60, "samples";q=600;w=60']},
    },
    "RateLimit": {
        "description": (
            "The limit that will be met first: `r` requests are left, and after `t` seconds there "
            "are more."
        ),
        "schema": {"type": "string", "examples": ['"samples";r=599;t=60']},
    },
}
_SHARED_HEADERS = {name: {"$ref": f"#/components/headers/{name}"} for name in RATE_LIMITS}
# Component name and description of each refusal, by status.
REFUSALS: dict[int, tuple[str, str]] = {
    400: ("Invalid", "The request is not as it must be; `errors` names the fields."),
    401: ("Unauthenticated", "No valid credentials were shown."),
    403: ("Forbidden", "The role does not allow it, or the CSRF token is missing."),
    404: ("NotFound", "There is no such thing, or it is not this user's to see."),
    409: ("Conflict", "It does not fit with the way things are now."),
    413: ("TooLarge", "The body has more bytes than are taken."),
    415: ("UnsupportedData", "The body is of a type that is not taken here."),
    429: ("RateLimited", "Too many requests: go on after `Retry-After`."),
    503: ("Unavailable", "The server cannot do it now: try again later."),
}


def operation(
    name: str,
    summary: str,
    *,
    query: Any = None,
    body: Any = None,
    answers: Mapping[Any, Any],
    refuses: Sequence[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    examples: Sequence[OpenApiExample] = (),
) -> Callable[[F], F]:
    """Describe a method of a view.

    Args:
        name: its name in generated clients; must never change.
        query: the serializer of its query string.
        body: the serializer of its body.
        answers: the response body by status: a serializer, a msgspec Struct, `list[...]` of one,
            or None for no body.
        refuses: error statuses that only some operations return, such as 409 (REFUSALS).
    """

    def describe(method: F) -> F:
        strict = checked(method, query, parameters)
        strict.refuses = {*refuses, 400}  # type: ignore[attr-defined]
        return extend_schema(
            operation_id=name,
            summary=summary,
            parameters=[*([query] if query else []), *parameters],
            request=body,
            responses=dict(answers),
            examples=list(examples),
        )(strict)

    return describe


PAGE_PARAMETERS = (
    OpenApiParameter("cursor", str, description="From the address of another page."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        description="How many there are in a page.",
    ),
)


def page_of(row: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return the serializer of a paginated list (http.pages) with rows of the serializer `row`."""
    return inline_serializer(
        name=f"{row.__name__.removesuffix('Serializer')}Page",
        fields={
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )


class AutoSchema(SpectacularSchema):
    """Also accepts msgspec types as answers, and adds the parts that all operations share."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Document | None:
        described: Document | None = super().get_operation(*args, **kwargs)
        if described is not None:
            refused = self._refused(described)
            if shared := getattr(self.view, "openapi_parameters", ()):
                described["parameters"] = [*described.get("parameters", ()), *shared]
            for status in refused:
                name, _description = REFUSALS[status]
                described["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
            for response in described["responses"].values():
                if "$ref" not in response:
                    response["headers"] = {**response.get("headers", {}), **_SHARED_HEADERS}
            described["responses"] = dict(sorted(described["responses"].items()))
        return described

    def get_description(self) -> str:  # type: ignore[override]
        """Return the method's own docstring, which adds to the summary."""
        method = getattr(self.view, self.method.lower(), None)
        return " ".join((getattr(method, "__doc__", "") or "").split())

    def get_tags(self) -> list[str]:
        return [type(self.view).__module__.split(".")[0]]

    def _refused(self, described: Document) -> set[int]:
        view, method = self.view, getattr(self.view, self.method.lower())
        refused = {429, *getattr(method, "refuses", ())}
        if view.get_authenticators():
            refused |= {401, 403}
        if "requestBody" in described:
            refused |= {400, 413, 415}
        return refused | set(getattr(view, "refuses", ()))

    def _get_request_body(self, direction: Any = "request") -> Any:
        if self.method != "DELETE" or self.get_request_serializer() is None:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        # Some of our DELETE operations have a body, which the library leaves out.
        self.method = "POST"
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = "DELETE"

    def _get_response_for_code(
        self,
        serializer: Any,
        status_code: Any,
        media_types: Any = None,
        direction: Any = "response",
    ) -> Any:
        wrapped = serializer if isinstance(serializer, OpenApiResponse) else None
        hint = wrapped.response if wrapped else serializer
        if _is_msgspec(hint):
            schema = self._schema_of(hint)
            if wrapped is None:
                serializer = schema
            else:
                serializer = OpenApiResponse(schema, wrapped.description, wrapped.examples)
        return super()._get_response_for_code(  # type: ignore[no-untyped-call]
            serializer, status_code, media_types, direction
        )

    def _schema_of(self, hint: Any) -> Document:
        (schema,), components = msgspec.json.schema_components((hint,), ref_template=_REF)
        for name, body in components.items():
            component = ResolvedComponent(  # type: ignore[no-untyped-call]
                name=name, type=ResolvedComponent.SCHEMA, schema=body, object=Struct
            )
            if component in self.registry and self.registry[component].schema != body:
                warn(f"Two answers are called {name}.")
            self.registry.register_on_missing(component)
        return schema


def add_shared_parts(result: Document, **kwargs: Any) -> Document:
    """drf-spectacular hook: add refusals, headers and the health checks, which are no views."""
    _schemas, components = msgspec.json.schema_components((Problem, Readiness), ref_template=_REF)
    schemas = result["components"].setdefault("schemas", {})
    result["components"]["schemas"] = dict(sorted((schemas | components).items()))
    result["components"]["responses"] = {
        name: _refusal(status, description)
        for status, (name, description) in sorted(REFUSALS.items(), key=lambda item: item[1])
    }
    result["components"]["headers"] = RATE_LIMITS
    result["paths"] |= HEALTH
    return result


def _refusal(status: int, description: str) -> Document:
    content = {PROBLEM: {"schema": {"$ref": _REF.format(name="Problem")}}}
    headers: Document = dict(_SHARED_HEADERS)
    if status in (429, 503):
        headers["Retry-After"] = _RETRY_AFTER
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    return {"description": description, "headers": headers, "content": content}


def _is_msgspec(hint: Any) -> bool:
    if getattr(hint, "__origin__", None) is list:
        hint = hint.__args__[0]
    return isinstance(hint, type) and issubclass(hint, Struct)


class Readiness(Struct, kw_only=True):
    """The readiness of this process. `workers` is for information and does not affect `status`."""

    status: str
    database: str
    channel_layer: str
    workers: dict[str, str] | str


def _health(name: str, summary: str, answers: Mapping[str, Document]) -> Document:
    responses = {
        status: {
            "description": "",
            "content": {"application/json": {"schema": schema}},
        }
        for status, schema in answers.items()
    }
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "tags": ["health"],
            "security": [],
            "responses": responses,
        }
    }


_READINESS = {"$ref": _REF.format(name="Readiness")}
_ALIVE = {
    "type": "object",
    "properties": {"status": {"type": "string", "const": "ok"}},
    "required": ["status"],
}
HEALTH = {
    "/healthz": _health("check_health", "Whether the process is alive", {"200": _ALIVE}),
    "/readyz": _health(
        "check_readiness", "Whether it can serve", {"200": _READINESS, "503": _READINESS}
    ),
}
