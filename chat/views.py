"""The chat page: a shell that the browser fills over the socket."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.shell.workspace_page import workspace_page
from realtime.auth import Principal


@workspace_page
def page(request: HttpRequest, principal: Principal, room: str = "") -> HttpResponse:
    """Render the chat page of a workspace.

    The response is the same for every `room`, so that a private room cannot be told from a missing
    one; the page itself reports a missing room.
    """
    return render(request, "chat/page.html", {"room": room})
