"""Errors of the REST API: each is returned as problem JSON (RFC 9457)."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from realtime.errors import AppError
from realtime.http.views import RestView
from realtime.translations import translated, translated_errors

# DRF's error codes to the protocol's, where they differ.
_CODES = {
    "not_authenticated": "unauthenticated",
    "authentication_failed": "unauthenticated",
    "throttled": "rate_limited",
    "parse_error": "invalid_json",
    "invalid": "invalid_command",
    "error": "invalid_command",
    "unsupported_media_type": "unsupported_data",
}


def problem_exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an AppError, or an error of Django or DRF, into problem JSON; return None for a bug."""
    if isinstance(error, AppError):
        response = problem(error.status, error.code, error.message, error.errors)
        if error.retry_after is not None:
            response["Retry-After"] = str(math.ceil(error.retry_after))
        return response
    if isinstance(error, RequestDataTooBig):
        return problem(413, "invalid_command", "This request has too many bytes.")
    if isinstance(error, SuspiciousOperation):
        return problem(400, "invalid_command", "This request is not valid.")
    default = exception_handler(error, context)
    if default is None:
        return None
    response = _from_drf(error, default)
    for header in ("WWW-Authenticate", "Retry-After", "Allow"):
        if header in default:
            response[header] = default[header]
    return response


def problem(
    status: int, code: str, detail: str, errors: Any | None = None, **members: Any
) -> Response:
    """Return a problem document: type, title, status, detail, code, and `errors` by field."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": translated(detail),
        "code": code,
    }
    if errors is not None:
        body["errors"] = translated_errors(errors)
    return Response(body | members, status=status, content_type="application/problem+json")


def _from_drf(error: Exception, default: Response) -> Response:
    if isinstance(error, exceptions.ValidationError):
        errors = (
            error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        )
        return problem(400, "invalid_command", "Some fields are not valid.", errors)
    detail = default.data.get("detail") if isinstance(default.data, dict) else default.data
    code = getattr(detail, "code", HTTPStatus(default.status_code).phrase.lower().replace(" ", "_"))
    return problem(default.status_code, _CODES.get(code, code), str(detail))


class UnknownPath(RestView):
    """Answers unknown paths below the API's root with a problem document."""

    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound("There is no such path in the API.")
