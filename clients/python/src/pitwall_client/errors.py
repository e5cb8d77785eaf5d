"""What can go wrong, as exceptions."""

from .frames import Frame


class PitwallError(Exception):
    """Base of every error of this package."""


class CommandError(PitwallError):
    """The server refused a command. The connection lives on.

    Attributes:
        code: the protocol's error code, for example `invalid_command` or `rate_limited`.
        message: the server's sentence.
        errors: messages by field, empty when the error is not about fields.
        retry_after: seconds after which trying again makes sense, or None.
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
        """Make the exception of an `error` frame."""
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
    """The connection ended before the reply came: whether the command took effect is unknown.

    Commands that create take an id of the client's choice; sent again they return the first result.
    """


class ConnectionClosedError(PitwallError):
    """The connection is closed for good and will not be opened again.

    Attributes:
        code: close code, or None when the server could not be reached at all.
        reason: what the server said.
    """

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class AuthenticationError(ConnectionClosedError):
    """The server does not accept the credentials."""
