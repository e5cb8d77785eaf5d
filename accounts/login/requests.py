"""Types of authenticated requests, for annotations of views."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.login.authentication import Login
from accounts.models import User
from realtime.auth import Principal


class SignedInRequest(HttpRequest):
    """A page request of a view with login_required."""

    user: User


class WorkspaceRequest(Request):
    """A REST request of a member, with their principal in the requested workspace."""

    user: User
    auth: Login
    principal: Principal
