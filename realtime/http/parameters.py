"""Query strings of the REST API: what an operation does not document, it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import Any, TypeVar, cast

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from realtime.errors import InvalidCommand

F = TypeVar("F", bound=Callable[..., Any])


def checked(method: F, query: Any, parameters: Sequence[OpenApiParameter]) -> F:
    """Return a view's method that refuses undocumented query parameters before it runs.

    Args:
        query: the serializer of the query string, or None.
        parameters: the parameters without a serializer; those with an `enum` have no other values.
    """

    @cache
    def documented() -> Mapping[str, Sequence[Any] | None]:
        # Asked at the first request: a serializer may read what apps register when they start.
        names = dict.fromkeys(query().fields) if query else {}
        return names | {each.name: each.enum for each in parameters if each.location == "query"}

    @wraps(method)
    def strict(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        shared = dict.fromkeys(map(_name, getattr(view, "openapi_parameters", ())))
        refuse_others(request, {**shared, **documented()})
        return method(view, request, *args, **kwargs)

    return cast(F, strict)


def refuse_others(request: Request, known: Mapping[str, Sequence[Any] | None]) -> None:
    """Check the query string against the known parameters and their values (None: any).

    Raises:
        InvalidCommand: it has another parameter, one of them twice, or another value; by name.
    """
    errors: dict[str, list[str]] = {
        name: [reason]
        for name, values in request.query_params.lists()
        if (reason := _reason(values, name in known, known.get(name)))
    }
    if errors:
        raise InvalidCommand("Some parameters are not valid.", errors=errors)


def _reason(values: Sequence[str], is_known: bool, allowed: Sequence[Any] | None) -> str | None:
    if not is_known:
        return "This parameter is unknown."
    if len(values) > 1:
        return "Give this parameter once."
    if allowed is not None and values[0] not in allowed:
        return f"This is one of {', '.join(map(str, allowed))}."
    return None


def _name(parameter: Mapping[str, Any]) -> str:
    reference = str(parameter.get("$ref", ""))
    return str(parameter.get("name") or reference.rpartition("/")[2])
