"""The inbox page: a shell that the browser fills."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.shell.workspace_page import workspace_page
from notifications import selectors
from notifications.kinds import kinds
from realtime.auth import Principal


@workspace_page
def inbox(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show the user's notifications in a workspace; `?notification=<id>` opens one of them."""
    known = selectors.kinds_of(principal)
    described = [
        {"name": name, "label": str(label), "known": name in known}
        for name, label in kinds().items()
    ]
    return render(request, "notifications/inbox.html", {"kinds": described})
