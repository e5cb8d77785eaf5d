"""The dashboard page: a shell that the browser fills over the socket."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.policy import Action, allowed
from accounts.shell.workspace_page import workspace_page
from realtime.auth import Principal


@workspace_page
def page(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Render the dashboard of a workspace."""
    if not allowed(principal.role, Action.VIEW_DASHBOARDS):
        raise PermissionDenied
    return render(request, "dashboard/page.html")
