"""Request rates of the REST API; the numbers are in settings (DEFAULT_THROTTLE_RATES)."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts.login.lockout import client_address


class AddressThrottle(SimpleRateThrottle):
    """Requests of an address that says nobody's name."""

    scope = "address"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if request.user and request.user.is_authenticated:
            return None
        return _key(self.scope, client_address(request._request))


class UserThrottle(SimpleRateThrottle):
    """All requests of a user, whatever let them in."""

    scope = "user"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if not (request.user and request.user.is_authenticated):
            return None
        return _key(self.scope, request.user.pk)


def _key(scope: str, ident: object) -> str:
    return f"throttle:{scope}:{ident}"
