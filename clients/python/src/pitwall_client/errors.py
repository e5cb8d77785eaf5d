"""The exceptions of this package. No exception of another library reaches the caller.

Messages never contain a token, a ticket, a cookie or a password.
"""

from typing import Any

from .frames import Frame


class PitwallError(Exception):
    """Base class of all errors of this package."""


class NotFoundError(PitwallError):
    """There is no such thing, or this user may not see it: the server does not tell which.

    The subclasses say what is missing. Each of them is also one of the other errors here, so
    that `except CommandError` or `except ConnectionClosedError` catches it too.
    """


class CommandError(PitwallError):
    """The server refused a command. The connection stays open.

    Attributes:
        code: the protocol's error code, for example `invalid_command` or `rate_limited`.
        message: the server's explanation.
        errors: messages by field; empty if the error does not concern fields.
        retry_after: seconds to wait before trying again, or None.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        errors: dict[str, list[str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.errors = errors or {}
        self.retry_after = retry_after

    @classmethod
    def from_frame(cls, frame: Frame) -> "CommandError":
        """Create the exception for an `error` frame."""
        code = str(frame.get("code", "internal"))
        kind = UnknownTargetError if code == "not_found" else cls
        return kind(
            code, str(frame.get("message", "")), frame.get("errors"), frame.get("retry_after")
        )


class UnknownTargetError(NotFoundError, CommandError):
    """A command named a room, metric, message or the like that does not exist."""


class ApiError(CommandError):
    """The REST API refused a request. `status` is the HTTP status."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "",
        errors: dict[str, list[str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message, errors, retry_after)
        self.status = status

    @classmethod
    def from_answer(
        cls, status: int, problem: Any, phrase: str, retry_after: float | None
    ) -> "ApiError":
        """Create the exception for an HTTP answer.

        Args:
            status: HTTP status.
            problem: the decoded body: problem details (RFC 9457), or anything else.
            phrase: reason phrase of the status line.
            retry_after: the Retry-After header in seconds, or None.
        """
        known = problem if isinstance(problem, dict) else {}
        errors = known.get("errors")
        kind = UnknownResourceError if status == 404 else cls
        return kind(
            status,
            str(known.get("code", "not_found" if status == 404 else "internal")),
            str(known.get("detail", phrase)),
            errors if isinstance(errors, dict) else None,
            retry_after,
        )


class UnknownResourceError(NotFoundError, ApiError):
    """The REST API answered 404."""


class ConnectionLostError(PitwallError):
    """The connection ended before the reply came. It is unknown whether the command took effect.

    Commands that create something accept a client-chosen id and can be sent again under it: they
    then return the first result.

    Attributes:
        retry_after: seconds that the server asked to wait, or None.
    """

    def __init__(self, message: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreachableError(ConnectionLostError, ConnectionError):
    """The server is down, overloaded or did not answer. Nothing was sent, so nothing happened."""


class ConnectionClosedError(PitwallError):
    """The connection is closed for good and will not be opened again.

    Attributes:
        code: close code, or None if no WebSocket was open.
        reason: the server's explanation.
    """

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(reason if code is None else f"closed with {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class UnknownEndpointError(NotFoundError, ConnectionClosedError):
    """The server has no WebSocket endpoint at this address."""


class AuthenticationError(ConnectionClosedError):
    """The server rejected the credentials, or revoked them while the connection was open."""


class UnknownWorkspaceError(NotFoundError, AuthenticationError):
    """The credentials are good, but this user is in no workspace of that name."""
