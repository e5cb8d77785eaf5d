"""Commands and events of every endpoint (docs/protocol/common.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from realtime.errors import AppError
from realtime.protocol import Command, CommandId, Event

CLOCK_INTERVAL = 1.0

Token = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class Authenticate(Command, tag="authenticate"):
    token: Token
    channels: list[str] | None = None


class Ping(Command, tag="ping"):
    timestamp: str | float | None = None


class HeartbeatCommand(Command, tag="heartbeat"):
    timestamp: str | float | None = None


class HeartbeatAcknowledged(Command, tag="heartbeat_ack"):
    timestamp: str | float | None = None


class Close(Command, tag="close"):
    pass


class Echo(Command, tag="echo"):
    """Asks to have the client's next frame, text or binary, sent back unchanged."""


class RequestData(Command, tag="request_data"):
    """`interval` (seconds) is valid only with the request `time`."""

    request: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    interval: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] | None = None


class ConnectionEstablished(Event, tag="connection_established"):
    client_id: str
    user: dict[str, Any] | None
    workspace: str | None
    protocol: int
    heartbeat_interval: float
    heartbeat_timeout: float
    max_frame_bytes: int
    timestamp: str
    authenticate_within: float | UnsetType = UNSET


class AuthSuccess(Event, tag="auth_success"):
    user_id: int
    username: str
    workspace: str


class Heartbeat(Event, tag="heartbeat"):
    timestamp: str
    offsets: dict[str, int]


class HeartbeatAck(Event, tag="heartbeat_ack"):
    timestamp: str


class Pong(Event, tag="pong"):
    timestamp: str


class DataResponse(Event, tag="data_response"):
    request: str
    data: Any
    timestamp: str


class TimeUpdate(Event, tag="time_update"):
    data: dict[str, Any]
    timestamp: str


class UserMessage(Event, tag="user_message"):
    """Sent to every socket of one user; `from` is the sender."""

    sender: dict[str, Any] | None = msgspec.field(name="from")
    message: str
    timestamp: str


class SystemNotification(Event, tag="system_notification"):
    message: str
    severity: str
    timestamp: str


class Ack(Event, tag="ack"):
    """Confirms that a command's change has been committed; subclasses add its result."""


class Disconnect(Event, tag="disconnect"):
    code: int
    reason: str
    retry_after: float | UnsetType = UNSET


class Error(Event, tag="error"):
    code: str
    message: str
    errors: dict[str, list[str]] | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET
    remaining: int | UnsetType = UNSET


class Unrecoverable(Event, tag="error"):
    """Events between a slow subscriber's position and this one are gone: it goes on from here."""

    code: Literal["unrecoverable_position"]
    message: str
    stream: str
    epoch: str
    offset: int


def error_event(error: AppError, *, remaining: int | UnsetType = UNSET) -> Error:
    """Return the `error` frame of an AppError; `remaining`: commands that would be accepted now."""
    return Error(
        code=error.code,
        message=error.message,
        errors=UNSET if error.errors is None else error.errors,
        retry_after=UNSET if error.retry_after is None else round(error.retry_after, 3),
        remaining=remaining,
    )


def reply_fields(identifier: CommandId | None) -> dict[str, CommandId]:
    """Return the fields that make an event the reply to a command: its id, if it has one."""
    return {} if identifier is None else {"id": identifier}
