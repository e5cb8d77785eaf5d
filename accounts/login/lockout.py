"""What django-axes asks of us, and what we tell people about it.

Axes counts failed logins by username and address and refuses both together once there are too
many. Here: which username and address it counts, and how many tries are left and until when.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off, get_failure_limit
from axes.models import AccessAttempt
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User
from realtime.acting import plain_address

MAX_USERNAME_LENGTH = 255  # of the column that axes keeps it in


def client_address(request: HttpRequest) -> str | None:
    """The peer's IP address; what trusted proxies forwarded is in it already. None: no IP peer."""
    return plain_address(request.META.get("REMOTE_ADDR", ""))


def username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The name that failures are counted under, as it was typed but for its case."""
    given = (credentials or {}).get("username") or request.POST.get("username") or ""
    return str(given).strip().lower()[:MAX_USERNAME_LENGTH]


def forget_failures(request: HttpRequest, user: User) -> None:
    """A login clears what was counted under the username and under the email address."""
    for name in filter(None, (user.username, user.email)):
        AxesProxyHandler.reset_attempts(ip_address=client_address(request), username=name.lower())


def is_locked_out(request: HttpRequest) -> bool:
    """Whether the login that this request just tried was refused, or ended, by the limit."""
    return bool(getattr(request, "axes_locked_out", False))


def tries_left(request: HttpRequest, name: str) -> int:
    """How many more failures this name has from this address before it is locked out."""
    credentials = {"username": name}
    failures = AxesProxyHandler.get_failures(request, credentials)
    left: int = get_failure_limit(request, credentials) - failures
    return max(0, left)


def locked_until(request: HttpRequest, name: str) -> datetime:
    """When this name may try again from this address; in the past if it may now."""
    cool_off = get_cool_off(request)
    limit = get_failure_limit(request, {"username": name})
    now = timezone.now()
    attempts = AccessAttempt.objects.filter(
        username=username(request, {"username": name}),
        ip_address=client_address(request),
        attempt_time__gt=now - cool_off,
    ).order_by("-attempt_time")
    failures = 0
    # One row for each browser; each falls away as a whole, `cool_off` after its latest failure.
    for attempt in attempts:
        failures += attempt.failures_since_start
        if failures >= limit:
            until: datetime = attempt.attempt_time + cool_off
            return until
    return now


def locked_out_message(until: datetime) -> str:
    """Says in whole minutes, rounded up, when the next try is allowed."""
    minutes = max(1, math.ceil((until - timezone.now()).total_seconds() / 60))
    message = ngettext(
        "Too many failed tries. Try again in %(minutes)d minute, at %(time)s UTC.",
        "Too many failed tries. Try again in %(minutes)d minutes, at %(time)s UTC.",
        minutes,
    )
    return message % {"minutes": minutes, "time": f"{until + timedelta(seconds=59):%H:%M}"}


def response(
    request: HttpRequest,
    original_response: HttpResponse | None = None,
    credentials: dict[str, Any] | None = None,
) -> HttpResponse:
    """The answer to a locked-out login: the view's own 429, or a page that says when to return."""
    if original_response is not None and original_response.status_code == 429:
        return original_response
    name = (credentials or {}).get("username") or request.POST.get("username", "")
    until = locked_until(request, name)
    page = render(
        request, "accounts/locked_out.html", {"message": locked_out_message(until)}, status=429
    )
    page["Retry-After"] = str(max(1, round((until - timezone.now()).total_seconds())))
    return page
