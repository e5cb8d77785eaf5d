"""RealtimeConsumer: commands in, replies and pushes out.

A subclass lists its commands with `@on(CommandClass)` and stays a few lines per action.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, ClassVar, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError

from realtime import common, gauges, handshake, threads
from realtime.auth import Credentials, Principal
from realtime.connection import LatestTopic
from realtime.errors import (
    AppError,
    InvalidJSON,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnknownAction,
    UnsupportedData,
)
from realtime.frames import Bundle, Format, inflate
from realtime.lifecycle import SocketLifecycle
from realtime.protocol import (
    CloseCode,
    Command,
    CommandId,
    CommandRefused,
    Event,
    Position,
    convert,
    parse,
    rfc3339,
    with_fields,
)
from realtime.streams import StreamKey

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Command)
Handler = Callable[[Any, Any], Awaitable[Event | None]]


def on(command: type[C]) -> Callable[[Callable[[Any, C], R]], Callable[[Any, C], R]]:
    """Mark a method as what answers `command`; the event that it returns is the reply."""

    def mark(method: Callable[[Any, C], R]) -> Callable[[Any, C], R]:
        method.answers = command  # type: ignore[attr-defined]
        return method

    return mark


class RealtimeConsumer(SocketLifecycle):
    """Base of every endpoint: commands, replies, errors, subscriptions.

    The commands of `open_to_all` are taken before the client has said who it is; for all others
    `self.principal` is set.
    """

    handlers: ClassVar[dict[str, tuple[type[Command], Handler]]] = {}
    _replying_to: CommandId | None = None
    open_to_all: ClassVar[frozenset[type[Command]]] = frozenset(
        {common.Authenticate, common.Ping, common.HeartbeatAcknowledged, common.Close}
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handlers = {
            method.answers.__struct_config__.tag: (method.answers, method)
            for ancestor in reversed(cls.__mro__)
            for method in vars(ancestor).values()
            if hasattr(method, "answers")
        }

    # --- What subclasses use ----------------------------------------------------------------

    @property
    def principal(self) -> Principal:
        """The authenticated user in their workspace."""
        if self.connection.principal is None:
            raise Unauthenticated("Say who you are first: send authenticate.")
        return self.connection.principal

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a synchronous service or selector in a service thread."""
        return await threads.call(function, *args, **kwargs)

    async def reply(self, event: Event) -> None:
        """Answer the command at hand now, where more than its one reply is to follow."""
        await self.send_event(event, self._replying_to)

    async def send_event(self, event: Event, identifier: CommandId | None = None) -> None:
        """Send one event: a push, or with `identifier` the reply to that command."""
        encoded = with_fields(event.encode(), common.reply_fields(identifier))
        if not self.connection.outlet.ready:
            # Whoever asks and does not read waits here, with its next commands unread.
            await self.connection.outlet.wait_ready()
        self.connection.write(Bundle([encoded]))

    async def follow_latest(self, topic: LatestTopic, key: StreamKey, selection: Hashable) -> None:
        """Push what `selection` picks of the newest values, from after this reply on."""
        await self.hub.follow_latest(self.connection, topic, key, selection)

    async def unfollow_latest(self, key: StreamKey) -> None:
        await self.hub.unfollow_latest(self.connection, key)

    async def follow_log(
        self, key: StreamKey, recover: Position | None = None
    ) -> tuple[Position, bool]:
        """Push a log stream's events from after this reply on; see Hub.follow_log."""
        return await self.hub.follow_log(self.connection, key, recover)

    async def unfollow_log(self, key: StreamKey) -> None:
        await self.hub.unfollow_log(self.connection, key)

    # --- Commands ---------------------------------------------------------------------------

    async def take(self, message: dict[str, Any]) -> None:
        """One frame of the client. Whatever is wrong with it, the socket lives on."""
        now = time.monotonic()
        self.heartbeat.heard(now)
        gauges.frames_received.add()
        if wait := self.bucket.take(now):
            await self._refuse(RateLimited("Too many commands.", retry_after=wait), None)
            return
        text = message.get("text")
        if text is None and self.format & Format.COMPRESS:
            try:
                text = self._inflated(message.get("bytes") or b"")
            except InvalidJSON as error:
                await self._refuse(error, None)
                return
        if text is None:
            await self.guarded(self.receive_binary(message.get("bytes") or b""))
            return
        try:
            frame = parse(text)
        except CommandRefused as error:
            await self._refuse(error, error.id)
        except InvalidJSON as error:
            await self.guarded(self.receive_bare_text(text, error))
        except AppError as error:
            await self._refuse(error, None)
        else:
            await self.guarded(self._run(frame.action, frame.id, frame.fields), frame.id)

    def _inflated(self, data: bytes) -> str:
        try:
            return inflate(data, int(self.limits["max_frame_bytes"])).decode()
        except ValueError as error:
            raise InvalidJSON(f"The compressed frame cannot be read: {error}.") from error

    async def receive_binary(self, data: bytes) -> None:
        """A binary frame; endpoints that take them override this."""
        raise UnsupportedData("This endpoint takes text frames.")

    async def receive_bare_text(self, text: str, error: InvalidJSON) -> None:
        """A text frame that is no JSON object; endpoints that take them override this."""
        raise error

    async def _run(self, action: str, identifier: CommandId | None, fields: dict[str, Any]) -> None:
        known = self.handlers.get(action)
        if known is None:
            raise UnknownAction(f"There is no action {action[:64]!r} here.")
        command_type, handler = known
        if self.connection.principal is None and command_type not in self.open_to_all:
            raise Unauthenticated("Say who you are first: send authenticate.")
        command = convert(fields, command_type)
        self._replying_to = identifier
        self.connection.hold()
        try:
            answer = await handler(self, command)
            if answer is not None:
                await self.reply(answer)
        finally:
            self.connection.release()

    async def guarded(self, work: Awaitable[None], identifier: CommandId | None = None) -> None:
        try:
            await work
        except AppError as error:
            await self._refuse(error, identifier)
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database refused a command: %s", error)
            await self._refuse(
                Unavailable("The server cannot do this now: try again.", retry_after=1), identifier
            )
        except Exception:
            logger.exception("A command failed (client %s)", self.connection.client_id)
            await self._refuse(AppError("The server failed at this; it is logged."), identifier)

    async def _refuse(self, error: AppError, identifier: CommandId | None) -> None:
        await self.send_event(common.error_event(error), identifier)

    # --- Common commands --------------------------------------------------------------------

    @on(common.Authenticate)
    async def authenticate(self, command: common.Authenticate) -> None:
        anonymous = self.connection.principal is None
        if anonymous:
            workspace = handshake.query(self.scope).get("workspace")
            shown = Credentials(bearer=command.token, workspace=workspace or None)
            began = time.monotonic()
            principal, refusal = await self.identify(shown)
            if refusal is not None:
                await self.close(*refusal)
                return
            if ending := self.hub.ended_since(principal, began):
                await self.close(ending.code, ending.reason)
                return
            self.connection.principal = principal
            self.heartbeat.authenticated()
        await self.reply(
            common.AuthSuccess(
                user_id=self.principal.user_id,
                username=self.principal.username,
                workspace=self.principal.workspace,
            )
        )
        if anonymous:
            await self.connected()

    @on(common.Ping)
    async def ping(self, command: common.Ping) -> Event:
        return common.Pong(timestamp=rfc3339(time.time()))

    @on(common.HeartbeatCommand)
    async def acknowledge_heartbeat(self, command: common.HeartbeatCommand) -> Event:
        return common.HeartbeatAck(timestamp=rfc3339(time.time()))

    @on(common.HeartbeatAcknowledged)
    async def heartbeat_acknowledged(self, command: common.HeartbeatAcknowledged) -> None:
        return None

    @on(common.Close)
    async def close_requested(self, command: common.Close) -> None:
        await self.close(CloseCode.NORMAL, "Closed as asked.")
