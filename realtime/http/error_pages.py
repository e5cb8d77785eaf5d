"""What Django answers to a request that fails: a page for people, a problem for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from django.views import defaults

from realtime.database.threads import DATABASE_AWAY
from realtime.server.refusals import API, Refusal

BAD_REQUEST = Refusal(400, "invalid_command", "This request is not valid.")
FORBIDDEN = Refusal(403, "permission_denied", "You are not allowed to do this.")
NOT_FOUND = Refusal(404, "not_found", "There is no such path in the API.")
BROKEN = Refusal(500, "internal", "The server failed at this; it is logged.")
UNAVAILABLE = Refusal(
    503, "unavailable", "The server cannot do this now: try again.", retry_after=5
)
# Answers of Django that have a status and no body.
BARE = {
    405: Refusal(405, "method_not_allowed", "Nothing here can be asked for in this way."),
    413: Refusal(413, "invalid_command", "This request has too many bytes."),
    415: Refusal(415, "unsupported_data", "This kind of data is not taken here."),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, BAD_REQUEST) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, FORBIDDEN) or defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem(request, NOT_FOUND) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 if the database is away, wherever that was noticed; else 500."""
    if isinstance(sys.exc_info()[1], DATABASE_AWAY):
        return answered(request, UNAVAILABLE)
    return _problem(request, BROKEN) or defaults.server_error(request)


def answered(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return a refusal as Django's response."""
    headers, body = refusal.content(request.path, get_language() or "en")
    response = HttpResponse(body, status=refusal.status)
    for name, value in headers:
        response[name.decode()] = value.decode()
    return response


class BareAnswers:
    """Middleware: gives a page to answers that have only a status, such as 405."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        refusal = BARE.get(response.status_code)
        if refusal is None or response.streaming or cast(HttpResponse, response).content:
            return response
        full = answered(request, refusal)
        for name, value in response.items():
            if name.lower() not in ("content-type", "content-length"):
                full[name] = value
        return full


def _problem(request: HttpRequest, refusal: Refusal) -> HttpResponse | None:
    return answered(request, refusal) if request.path.startswith(API) else None
