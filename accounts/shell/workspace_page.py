"""What the pages of a workspace have in common, whichever app they are of."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.selectors import principal_of
from realtime.errors import NotFound

Page = Callable[..., HttpResponse]


def workspace_page(view: Page) -> Page:
    """Make a page of `view(request, principal, **arguments)`, for people who are signed in.

    The principal is the user in `?workspace=<slug>`, else in their default workspace. One that
    is not theirs is 404; whoever belongs to none gets a page that says so.
    """

    @require_safe
    @login_required
    @wraps(view)
    def page(request: HttpRequest, **arguments: Any) -> HttpResponse:
        assert isinstance(request.user, User)
        slug = request.GET.get("workspace")
        try:
            principal = principal_of(request.user, slug)
        except NotFound as error:
            if slug:
                raise Http404(error.message) from error
            return render(request, "accounts/no_workspace.html")
        return view(request, principal, **arguments)

    return page
