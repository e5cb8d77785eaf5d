"""The inbox page: a shell that the browser fills."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.selectors import principal_of
from notifications import selectors
from notifications.kinds import kinds
from realtime.errors import NotFound


@require_safe
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """One's notifications in a workspace (`?workspace=<slug>`, else the default one).

    `?notification=<id>` opens one of them. Whoever belongs to no workspace gets the page that
    says so.
    """
    assert isinstance(request.user, User)
    slug = request.GET.get("workspace")
    try:
        principal = principal_of(request.user, slug)
    except NotFound as error:
        if slug:
            raise Http404(error.message) from error
        return redirect("home")
    known = selectors.kinds_of(principal)
    described = [
        {"name": name, "label": str(label), "known": name in known}
        for name, label in kinds().items()
    ]
    return render(request, "notifications/inbox.html", {"kinds": described})
