"""Requests that are known to come from somebody: for annotations behind login_required and DRF."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.login.authentication import Login
from accounts.models import User
from realtime.auth import Principal


class SignedInRequest(HttpRequest):
    """A page request behind login_required."""

    user: User


class WorkspaceRequest(Request):
    """A REST request of a member: who they are in the workspace they asked for."""

    user: User
    auth: Login
    principal: Principal
