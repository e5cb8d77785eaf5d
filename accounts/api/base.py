"""The base class of views inside a workspace, for all apps."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts import selectors
from accounts.login.requests import WorkspaceRequest
from realtime.database import threads
from realtime.http.views import RestView


class WorkspaceAPIView(RestView):
    """Base of the views inside a workspace (`?workspace=<slug>`, else the user's default).

    It finds the principal. Services and selectors check what the principal may do.
    """

    # For realtime.http.openapi: parameters and refusals shared by every operation in a workspace.
    openapi_parameters = ({"$ref": "#/components/parameters/workspace"},)
    refuses = (404,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # The user's turn begins once the user is known, and ends with the answer.
        with ExitStack() as self._turn:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        member = cast(WorkspaceRequest, request)
        self._turn.enter_context(threads.request_turn(member.user.pk))
        member.principal = selectors.principal_of(
            member.user,
            member.query_params.get("workspace"),
            session_key=member.auth.session_key,
            token=member.auth.token,
            refresh=member.auth.refresh,
            expires_at=member.auth.expires_at,
        )
