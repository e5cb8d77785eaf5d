"""Authentication classes of the REST API.

They are separate from the views, which DRF's settings cannot import.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import services
from accounts.login.activity import recent_use
from accounts.login.authentication import Login, login_by_bearer
from accounts.models import User


class BearerAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer <JWT or API token>`; `request.auth` is the Login."""

    def authenticate(self, request: Request) -> tuple[User, Login] | None:
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        login = login_by_bearer(secret.strip())
        if login is None:
            raise AuthenticationFailed(_("The token is not valid, or not any more."))
        if recent_use.is_due(login.key):
            services.record_use(
                user_ids=[login.user.pk],
                token_ids=[login.token.pk] if login.token else [],
                refresh_ids=[login.refresh.pk] if login.refresh else [],
            )
        return login.user, login

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie, with CSRF protection; `request.auth` is the Login."""

    def authenticate(self, request: Request) -> tuple[User, Login] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user, _none = found
        return user, Login(user=user, session_key=request._request.session.session_key)
