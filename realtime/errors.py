"""The errors that services raise: one family for HTTP and WebSockets.

They are converted at two edges: by the consumer base to an `error` frame, and by DRF's exception
handler to problem JSON (RFC 9457). Codes are in docs/protocol/limits-and-errors.md.
"""

from __future__ import annotations

from typing import Any, Self

FieldErrors = dict[str, list[str]]


class Reason(str):
    """A sentence about what is wrong, with values in it.

        Reason("A topic has at most %(most)d characters.", most=80)

    As a string it is the English text. The edges look up its translation by `template`, which the
    catalogues hold.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        reason = super().__new__(cls, template % values)
        reason.template, reason.values = template, values
        return reason


class AppError(Exception):
    """A refusal that the user or program at the other end can act on.

    Args:
        message: one sentence in English; the edges translate it for readers of another language
            (realtime.translations).
        errors: what is wrong, by field.
        retry_after: seconds after which the same request may succeed.
    """

    code = "internal"
    status = 500

    def __init__(
        self,
        message: str,
        *,
        errors: FieldErrors | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.errors = errors
        self.retry_after = retry_after

    @classmethod
    def field(cls, name: str, reason: str) -> Self:
        """Create the error of one field: `reason` is both the message and the error of `name`."""
        return cls(reason, errors={name: [reason]})


class InvalidJSON(AppError):
    code = "invalid_json"
    status = 400


class NotAnObject(InvalidJSON):
    """Text that is not a JSON object; some endpoints accept it as it is."""


class InvalidCommand(AppError):
    code = "invalid_command"
    status = 400


class TooLarge(InvalidCommand):
    """More bytes than allowed; the same code as any field that does not fit."""

    status = 413


class UnknownAction(AppError):
    code = "unknown_action"
    status = 400


class UnsupportedData(AppError):
    code = "unsupported_data"
    status = 415


class Unauthenticated(AppError):
    code = "unauthenticated"
    status = 401


class PermissionDenied(AppError):
    code = "permission_denied"
    status = 403


class NotFound(AppError):
    """Also raised for what exists but the caller may not see: the two look the same."""

    code = "not_found"
    status = 404


class Conflict(AppError):
    code = "conflict"
    status = 409


class TooManySubscriptions(AppError):
    code = "too_many_subscriptions"
    status = 429


class RateLimited(AppError):
    code = "rate_limited"
    status = 429


class Unavailable(AppError):
    """Temporary: the same request may succeed later."""

    code = "unavailable"
    status = 503


def pack(error: AppError) -> dict[str, Any]:
    """Return an error as plain values, to be stored or sent to another process."""
    return {
        "code": error.code,
        "status": error.status,
        "message": error.message,
        "errors": error.errors,
        "retry_after": error.retry_after,
    }


def unpack(packed: dict[str, Any]) -> AppError:
    """Rebuild a packed error, as the first class that has its code and status."""
    found = AppError(packed["message"], errors=packed["errors"], retry_after=packed["retry_after"])
    place = packed["code"], packed["status"]
    found.__class__ = next((c for c in _family(AppError) if (c.code, c.status) == place), AppError)
    found.code, found.status = place
    return found


def _family(error: type[AppError]) -> list[type[AppError]]:
    """Return the class, then its subclasses, level by level."""
    family = [error]
    for member in family:
        family += member.__subclasses__()
    return family
