"""RealtimeConsumer: the life of one WebSocket, from the handshake to the close.

A subclass lists its commands with `@on(CommandClass)` and stays a few lines per action.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, ClassVar, ParamSpec, TypeVar

from channels.consumer import AsyncConsumer
from django.conf import settings
from django.db import InterfaceError, OperationalError
from msgspec import UNSET

from realtime import common, gauges, handshake, threads
from realtime.auth import Credentials, Principal, authenticator
from realtime.connection import CLOSE_DEADLINE, Connection
from realtime.errors import (
    AppError,
    InvalidJSON,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnknownAction,
    UnsupportedData,
)
from realtime.feeds import LatestTopic
from realtime.frames import Encoded
from realtime.heartbeat import Heartbeat
from realtime.hub import Hub, get_hub
from realtime.limits import TokenBucket
from realtime.protocol import (
    PROTOCOL_VERSION,
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
from realtime.server import outlet_for
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


class RealtimeConsumer(AsyncConsumer):
    """Base of every endpoint: authentication, limits, liveness, commands, replies, pushes.

    The commands of `open_to_all` are taken before the client has said who it is; for all others
    `self.principal` is set.
    """

    # The Hub receives for the whole process: a consumer has no layer channel of its own.
    channel_layer_alias = "none"
    handlers: ClassVar[dict[str, tuple[type[Command], Handler]]] = {}
    _replying_to: CommandId | None = None
    open_to_all: ClassVar[frozenset[type[Command]]] = frozenset(
        {common.Authenticate, common.Ping, common.HeartbeatAcknowledged, common.Close}
    )
    hub: Hub
    connection: Connection

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

    async def connected(self) -> None:
        """Called once the client is authenticated, before its first command."""

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
        self.connection.write([Encoded(encoded)])

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

    # --- Life -------------------------------------------------------------------------------

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The whole life of the socket. Unlike Channels' own loop, cleans up after any error."""
        self.scope = scope
        self.base_send = send
        if (await receive())["type"] != "websocket.connect":
            return
        self.hub = await get_hub()
        self.limits = settings.REALTIME_LIMITS
        shown = handshake.credentials(scope)
        principal, refusal = await self._identify(shown)
        await send({"type": "websocket.accept"})
        self.connection = Connection(
            client_id=secrets.token_urlsafe(16),
            outlet=outlet_for(scope, send),
            close=self.close,
            slow_consumer_timeout=self.limits["slow_consumer_timeout"],
            principal=principal,
        )
        try:
            await self._live(receive, refusal, anonymous=not handshake.shows_anything(shown))
        finally:
            self.connection.stop()
            await self.hub.unregister(self.connection)

    async def close(self, code: int, reason: str = "", retry_after: float | None = None) -> None:
        """Say why, then close. A peer that takes nothing is cut off after two seconds."""
        connection = self.connection
        if connection.closing:
            return
        if connection.outlet.ready:
            farewell = common.Disconnect(
                code=code, reason=reason, retry_after=UNSET if retry_after is None else retry_after
            )
            connection.write([Encoded(farewell.encode())])
        connection.stop()
        try:
            async with asyncio.timeout(CLOSE_DEADLINE):
                await connection.outlet.flush()
                await self.base_send(
                    {"type": "websocket.close", "code": int(code), "reason": reason[:120]}
                )
        except TimeoutError:
            connection.outlet.abort()
        except (OSError, RuntimeError):
            pass  # gone already

    async def _identify(
        self, shown: Credentials
    ) -> tuple[Principal | None, tuple[CloseCode, str] | None]:
        """Who this is, or why not."""
        if not handshake.shows_anything(shown):
            return None, None
        try:
            principal = await threads.call(authenticator(), shown)
        except (OperationalError, InterfaceError) as error:
            logger.warning("Nobody can be authenticated: %s", error)
            return None, (CloseCode.OVERLOADED, "The server cannot check who you are: try again.")
        if principal is None:
            return None, (CloseCode.UNAUTHENTICATED, "These credentials are not valid.")
        return principal, None

    async def _live(
        self, receive: Any, refusal: tuple[CloseCode, str] | None, *, anonymous: bool
    ) -> None:
        now = time.monotonic()
        within = self.limits["authenticate_within"] if anonymous else None
        self.heartbeat = Heartbeat(
            now, self.limits["heartbeat_interval"], self.limits["heartbeat_timeout"], within
        )
        self.bucket = TokenBucket(
            self.limits["commands_per_second"], self.limits["command_burst"], now
        )
        await self._greet(within)
        if refusal is not None:
            await self.close(*refusal)
        else:
            self.hub.register(self.connection, self._sweep)
            if self.connection.principal is not None:
                await self._guarded(self.connected(), None)
        while (message := await receive())["type"] != "websocket.disconnect":
            if not self.connection.closing:
                await self._take(message)

    async def _greet(self, within: float | None) -> None:
        who = self.connection.principal
        await self.send_event(
            common.ConnectionEstablished(
                client_id=self.connection.client_id,
                user={"id": who.user_id, "username": who.username} if who else None,
                workspace=who.workspace if who else None,
                protocol=PROTOCOL_VERSION,
                heartbeat_interval=self.heartbeat.interval,
                heartbeat_timeout=self.heartbeat.timeout,
                authenticate_within=UNSET if within is None else within,
                max_frame_bytes=int(self.limits["max_frame_bytes"]),
                timestamp=rfc3339(time.time()),
            )
        )
        self._beat()

    def _beat(self) -> None:
        offsets = {key.name: s.position for key, s in self.connection.logs.items()}
        beat = common.Heartbeat(timestamp=rfc3339(time.time()), offsets=offsets)
        self.connection.write([Encoded(beat.encode())])

    def _sweep(self, now: float) -> None:
        """Once a second: deadlines of this connection."""
        if self.connection.closing:
            return
        if self.heartbeat.too_late_to_authenticate(now):
            self._end(CloseCode.UNAUTHENTICATED, "Nobody said who this is in time.")
        elif self.heartbeat.silent(now):
            self._end(CloseCode.SILENT, "Nothing was heard from this client.")
        elif self.heartbeat.due(now) and self.connection.outlet.ready:
            self._beat()

    def _end(self, code: CloseCode, reason: str) -> None:
        # Kept on the consumer: an unreferenced task may be collected before it has run.
        self._ending = asyncio.get_running_loop().create_task(self.close(code, reason))

    # --- Commands ---------------------------------------------------------------------------

    async def _take(self, message: dict[str, Any]) -> None:
        """One frame of the client. Whatever is wrong with it, the socket lives on."""
        now = time.monotonic()
        self.heartbeat.heard(now)
        gauges.frames_received.add()
        if wait := self.bucket.take(now):
            await self._refuse(RateLimited("Too many commands.", retry_after=wait), None)
            return
        text = message.get("text")
        if text is None:
            await self._guarded(self.receive_binary(message.get("bytes") or b""), None)
            return
        try:
            frame = parse(text)
        except CommandRefused as error:
            await self._refuse(error, error.id)
        except InvalidJSON as error:
            await self._guarded(self.receive_bare_text(text, error), None)
        except AppError as error:
            await self._refuse(error, None)
        else:
            await self._guarded(self._run(frame.action, frame.id, frame.fields), frame.id)

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

    async def _guarded(self, work: Awaitable[None], identifier: CommandId | None) -> None:
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
            principal, refusal = await self._identify(shown)
            if refusal is not None:
                await self.close(*refusal)
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
