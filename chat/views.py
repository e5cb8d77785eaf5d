"""The chat page: a shell that the browser fills over the socket."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.shell.workspace_page import workspace_page
from realtime.auth import Principal


@workspace_page
def page(request: HttpRequest, principal: Principal, room: str = "") -> HttpResponse:
    """The rooms of a workspace.

    The answer is the same for every `room`, so that a private one cannot be told from none; the
    page itself says when there is none to show.
    """
    return render(request, "chat/page.html", {"room": room})
