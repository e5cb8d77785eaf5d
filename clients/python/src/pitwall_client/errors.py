"""The exceptions of this package."""

from .frames import Frame


class PitwallError(Exception):
    """Base class of all errors of this package."""


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
        return cls(
            str(frame.get("code", "internal")),
            str(frame.get("message", "")),
            frame.get("errors"),
            frame.get("retry_after"),
        )


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


class ConnectionLostError(PitwallError):
    """The connection ended before the reply came. It is unknown whether the command took effect.

    Commands that create something accept a client-chosen id and can be sent again under it: they
    then return the first result.
    """


class ConnectionClosedError(PitwallError):
    """The connection is closed for good and will not be opened again.

    Attributes:
        code: close code, or None if the server could not be reached at all.
        reason: the server's explanation.
    """

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class AuthenticationError(ConnectionClosedError):
    """The server rejected the credentials."""
