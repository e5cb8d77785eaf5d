"""Shared code of the chat views."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from rest_framework import serializers
from rest_framework.request import Request

from accounts.api.base import WorkspaceAPIView
from accounts.login.requests import WorkspaceRequest
from realtime.errors import NotFound
from realtime.http.bodies import MAX_ID

S = TypeVar("S", bound=serializers.Serializer[Any])


class ChatAPIView(WorkspaceAPIView):
    """Base class of the chat views. Services and selectors check permissions."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # No column holds U+0000 or a number this large, so no such object exists.
        if any("\0" in str(value) for value in kwargs.values()):
            raise NotFound.field("room", "There is no such room.")
        if any(isinstance(value, int) and value > MAX_ID for value in kwargs.values()):
            raise NotFound("There is no such thing.")


def body_of(request: Request, serializer: type[S]) -> dict[str, Any]:
    """Return the validated request body.

    Raises:
        ValidationError: the body is invalid; the errors are by field.
    """
    # If every field is optional, so is the body.
    reader = serializer(data={} if request.data is None else request.data)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def query_of(request: Request, serializer: type[S]) -> S:
    """Return the serializer with the validated query string.

    Raises:
        ValidationError: the query string is invalid; the errors are by field.
    """
    reader = serializer(data=request.query_params)
    reader.is_valid(raise_exception=True)
    return reader


def document(view: Any) -> Any:
    """Convert a protocol view, or a list of them, to JSON types."""
    return msgspec.to_builtins(view)


def page(results: Any, *, next_: str | None, previous: str | None = None) -> dict[str, Any]:
    return {"next": next_, "previous": previous, "results": results}


def address(request: WorkspaceRequest, **changes: object) -> str:
    """Return this request's URL with changed parameters; None removes one."""
    parameters = {**request.query_params.dict(), **changes}
    kept = {name: value for name, value in parameters.items() if value is not None}
    return request.build_absolute_uri(f"{request.path}?{urlencode(kept)}")
