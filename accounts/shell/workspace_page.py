"""The decorator shared by all pages inside a workspace."""

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
    """Turn `view(request, principal, **arguments)` into a page for signed-in users.

    The principal is the user in `?workspace=<slug>`, else in their default workspace. A workspace
    that they are not a member of is 404; a user without any workspace gets a page that says so.
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
