"""Request rates of the REST API; the numbers are in settings (DEFAULT_THROTTLE_RATES)."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle

from accounts.login.lockout import client_address
from accounts.login.passwords import block_of


class AddressThrottle(SimpleRateThrottle):
    """Limits anonymous requests by address block."""

    scope = "address"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if request.user and request.user.is_authenticated:
            return None
        return _key(self.scope, block_of(client_address(request._request)))


class UserThrottle(SimpleRateThrottle):
    """Limits the requests of a user over all credentials."""

    scope = "user"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        if not (request.user and request.user.is_authenticated):
            return None
        return _key(self.scope, request.user.pk)


class ScopeThrottle(ScopedRateThrottle):
    """Limits requests to the views of one scope by user, or by address block if anonymous."""

    def get_ident(self, request: Request) -> str:
        return block_of(client_address(request._request))


def _key(scope: str, ident: object) -> str:
    return f"throttle:{scope}:{ident}"
