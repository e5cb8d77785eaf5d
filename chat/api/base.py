"""What the views of chat share."""

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
    """Base of the views of chat. Who may do what is asked by services and selectors."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # No column holds U+0000, or a number so large: what is named so does not exist.
        if any("\0" in str(value) for value in kwargs.values()):
            raise NotFound.field("room", "There is no such room.")
        if any(isinstance(value, int) and value > MAX_ID for value in kwargs.values()):
            raise NotFound("There is no such thing.")


def body_of(request: Request, serializer: type[S]) -> dict[str, Any]:
    """The request's body, checked.

    Raises:
        ValidationError: by field, what does not fit.
    """
    # Where every field may be left out, so may the body.
    reader = serializer(data={} if request.data is None else request.data)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def query_of(request: Request, serializer: type[S]) -> S:
    """The request's query string, checked, in its serializer.

    Raises:
        ValidationError: by field, what does not fit.
    """
    reader = serializer(data=request.query_params)
    reader.is_valid(raise_exception=True)
    return reader


def document(view: Any) -> Any:
    """A view of the protocol, or a list of them, as JSON has it."""
    return msgspec.to_builtins(view)


def page(results: Any, *, next_: str | None, previous: str | None = None) -> dict[str, Any]:
    return {"next": next_, "previous": previous, "results": results}


def address(request: WorkspaceRequest, **changes: object) -> str:
    """This request's address with other parameters; None takes one away."""
    parameters = {**request.query_params.dict(), **changes}
    kept = {name: value for name, value in parameters.items() if value is not None}
    return request.build_absolute_uri(f"{request.path}?{urlencode(kept)}")
