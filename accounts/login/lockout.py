"""Client addresses, and messages about the limits on sign-in attempts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.services import LockedOut
from realtime.acting import plain_address
from realtime.errors import AppError
from realtime.translations import translated


def client_address(request: HttpRequest) -> str | None:
    """Return the client's IP address, as forwarded by trusted proxies; None without an IP peer."""
    return plain_address(request.META.get("REMOTE_ADDR", ""))


def locked_out_message(until: datetime) -> str:
    """Return a message with the minutes, rounded up, until the next attempt is allowed."""
    minutes = max(1, math.ceil((until - timezone.now()).total_seconds() / 60))
    message = ngettext(
        "Too many failed tries. Try again in %(minutes)d minute, at %(time)s UTC.",
        "Too many failed tries. Try again in %(minutes)d minutes, at %(time)s UTC.",
        minutes,
    )
    return message % {"minutes": minutes, "time": f"{until + timedelta(seconds=59):%H:%M}"}


def explain(refusal: AppError) -> str:
    """Return the message that a form shows for a refused attempt."""
    if isinstance(refusal, LockedOut):
        return locked_out_message(refusal.until)
    return translated(refusal.message)
