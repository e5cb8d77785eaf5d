"""The API's OpenAPI document, and the view that serves it."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response


@cache
def api_document() -> dict[str, Any]:
    """Return the OpenAPI document, made once per process: it is the same for everybody."""
    with translation.override("en"):
        generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
        return dict(generator.get_schema(request=None, public=True))


class FormatNegotiation(DefaultContentNegotiation):
    """Takes `?format=json` too, which the API itself does not."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE="format")


class SchemaView(SpectacularAPIView):
    """GET: the OpenAPI document as YAML, or as JSON to clients that accept only JSON."""

    content_negotiation_class = FormatNegotiation

    def _get_schema_response(self, request: Request) -> Response:
        return Response(api_document())
