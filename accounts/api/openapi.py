"""The authentication schemes in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """API tokens and JWTs, which are sent in the same header."""

    target_class = "accounts.login.rest_authentication.BearerAuthentication"
    name = ["api_token", "jwt"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        return [{"api_token": []}, {"jwt": []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        header = {"type": "http", "scheme": "bearer"}
        token = header | {
            "description": "A personal API token, made under Settings or by `POST /api/v1/tokens/`."
        }
        jwt = header | {
            "bearerFormat": "JWT",
            "description": "An access token from `POST /api/v1/token/`.",
        }
        return [token, jwt]


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session cookie of a signed-in browser."""

    target_class = "accounts.login.rest_authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "Requests that change something need the header X-CSRFToken too.",
        }
