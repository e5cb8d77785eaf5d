"""What comes of one message from the server."""

from dataclasses import dataclass, field

from .frames import Frame


@dataclass
class Received:
    """The results of one message from the server.

    Attributes:
        events: frames for the application, in order.
        replies: frames that answer commands, by command id.
        outgoing: frames to send back now.
        must_reconnect: the subscriptions could not be restored; try again on a new connection.
    """

    events: list[Frame] = field(default_factory=list)
    replies: list[tuple[int, Frame]] = field(default_factory=list)
    outgoing: list[Frame] = field(default_factory=list)
    must_reconnect: bool = False


@dataclass(frozen=True)
class Goodbye:
    """The server's `disconnect` frame: the coming close code, and when to reconnect."""

    code: int | None = None
    reason: str = ""
    retry_after: float | None = None
