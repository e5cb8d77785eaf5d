"""The chat page: a shell that the browser fills over the socket."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.selectors import principal_of
from realtime.errors import NotFound


@require_safe
@login_required
def page(request: HttpRequest, room: str = "") -> HttpResponse:
    """The rooms of the user's workspace (`?workspace=<slug>`, else their default one).

    The answer is the same for every `room`, so that a private one cannot be told from none; the
    page itself says when there is none to show. Whoever belongs to no workspace at all gets a
    page that says so.
    """
    assert isinstance(request.user, User)
    slug = request.GET.get("workspace")
    try:
        principal_of(request.user, slug)
    except NotFound as error:
        if slug:
            raise Http404(error.message) from error
        return render(request, "dashboard/no_workspace.html")
    return render(request, "chat/page.html", {"room": room})
