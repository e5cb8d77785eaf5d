"""Commands and events that every endpoint has (docs/protocol.md, Lifecycle)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from realtime.errors import AppError
from realtime.protocol import Command, CommandId, Event

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


class Ack(Event, tag="ack"):
    """A command that changed something has been committed; subclasses add what came of it."""


class Disconnect(Event, tag="disconnect"):
    code: int
    reason: str
    retry_after: float | UnsetType = UNSET


class Error(Event, tag="error"):
    code: str
    message: str
    errors: dict[str, list[str]] | UnsetType = UNSET
    retry_after: float | UnsetType = UNSET


def error_event(error: AppError) -> Error:
    """The `error` frame of an AppError."""
    return Error(
        code=error.code,
        message=error.message,
        errors=UNSET if error.errors is None else error.errors,
        retry_after=UNSET if error.retry_after is None else round(error.retry_after, 3),
    )


def reply_fields(identifier: CommandId | None) -> dict[str, CommandId]:
    """What makes an event the reply to a command: the command's id, where it had one."""
    return {} if identifier is None else {"id": identifier}
