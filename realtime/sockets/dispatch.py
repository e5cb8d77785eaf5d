"""Dispatch of a client's frame to the method that answers it, and of the reply or error back.

The commands themselves are defined in realtime.consumers and in each app's consumers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar, ParamSpec, TypeVar

from realtime import messages
from realtime.acting import Actor, plain_address, run_as
from realtime.auth import Principal
from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.errors import (
    AppError,
    InvalidJSON,
    NotAnObject,
    RateLimited,
    Reason,
    Unauthenticated,
    Unavailable,
    UnknownAction,
    UnsupportedData,
)
from realtime.fanout.frames import Bundle, Format, inflate
from realtime.process import gauges
from realtime.protocol import (
    CloseCode,
    Command,
    CommandId,
    CommandRefused,
    Event,
    Frame,
    convert,
    parse,
    with_fields,
)
from realtime.sessions import endings
from realtime.sockets.handshake import language
from realtime.sockets.lifecycle import SocketLifecycle
from realtime.translations import error_in

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Command)
Handler = Callable[[Any, Any], Awaitable[Event | None]]

# Frames of an unsupported kind that are answered with an error; the next one closes with 1003.
UNSUPPORTED_TOLERATED = 4


def on(command: type[C]) -> Callable[[Callable[[Any, C], R]], Callable[[Any, C], R]]:
    """Mark a method as the handler of `command`; the event that it returns is the reply."""

    def mark(method: Callable[[Any, C], R]) -> Callable[[Any, C], R]:
        method.answers = command  # type: ignore[attr-defined]
        return method

    return mark


class CommandSocket(SocketLifecycle):
    """Parses frames, enforces the limits, and runs commands one after the other.

    The commands in `open_to_all` are accepted before the client is authenticated; for all others
    `self.principal` is set.
    """

    handlers: ClassVar[dict[str, tuple[type[Command], Handler]]] = {}
    open_to_all: ClassVar[frozenset[type[Command]]] = frozenset(
        {messages.Authenticate, messages.Ping, messages.HeartbeatAcknowledged, messages.Close}
    )
    _replying_to: CommandId | None = None
    _unsupported = 0
    echo_next = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handlers = {
            method.answers.__struct_config__.tag: (method.answers, method)
            for ancestor in reversed(cls.__mro__)
            for method in vars(ancestor).values()
            if hasattr(method, "answers")
        }

    # --- For subclasses ---------------------------------------------------------------------

    @property
    def principal(self) -> Principal:
        """The authenticated user in their workspace."""
        if self.connection.principal is None:
            raise Unauthenticated("Say who you are first: send authenticate.")
        return self.connection.principal

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a synchronous service or selector for the client, in a service thread.

        It runs in the user's turn (realtime.database.turns).

        Raises:
            RateLimited: too many of the user's commands wait already.
        """
        # Said in the thread, not in the socket's task: a context of its own costs every idle
        # socket a few hundred bytes.
        work = partial(run_as, self._actor, function, *args, **kwargs)
        return await threads.call_for(self.principal.user_id, work)

    async def reply(self, event: Event) -> None:
        """Reply to the current command now, for handlers that send more than the one reply."""
        await self.send_event(event, self._replying_to)

    async def send_event(self, event: Event, identifier: CommandId | None = None) -> None:
        """Send one event: a push, or with `identifier` the reply to that command."""
        encoded = with_fields(event.encode(), messages.reply_fields(identifier))
        if not self.connection.outlet.ready:
            # A client that sends commands but does not read waits here, with its next commands
            # unread.
            await self.connection.outlet.wait_ready()
        self.connection.write(Bundle([encoded]))

    async def receive_binary(self, data: bytes) -> None:
        """Handle a binary frame; endpoints that accept it override this."""
        raise UnsupportedData("This endpoint takes text frames.")

    async def receive_bare_text(self, text: str, error: NotAnObject) -> None:
        """Handle a text frame that is not a JSON object; endpoints that accept it override this."""
        raise error

    def counts_as_command(self, message: dict[str, Any]) -> bool:
        """Return whether this frame counts against the command rate; pieces of an upload need not.

        An endpoint that exempts frames must limit them itself.
        """
        return True

    # --- Frames -----------------------------------------------------------------------------

    async def take(self, message: dict[str, Any]) -> None:
        """Handle one frame of the client. Errors are answered; only too many close the socket."""
        now = time.monotonic()
        self.heartbeat.heard(now)
        self.connection.heard_at = now
        self.connection.frames_in += 1
        gauges.frames_received.add()
        text = message.get("text")
        if self.counts_as_command(message) and (wait := self.bucket.take(now)):
            await self._refuse_flood(text, wait, now)
        elif self.echo_next:
            self.echo_next = False
            await self._echo(message)
        elif text is not None:
            await self._take_text(text)
        elif self.format & Format.COMPRESS:
            await self._take_compressed(message.get("bytes") or b"")
        else:
            await self.guarded(self.receive_binary(message.get("bytes") or b""))

    async def _take_text(self, text: str) -> None:
        try:
            frame = parse(text)
        except CommandRefused as error:
            await self._refuse(error, error.id)
        except NotAnObject as error:
            await self.guarded(self.receive_bare_text(text, error))
        except AppError as error:
            await self._refuse(error, None)
        else:
            await self.guarded(self._run(frame), frame.id)

    async def _take_compressed(self, data: bytes) -> None:
        try:
            text = inflate(data, int(self.limits["max_frame_bytes"])).decode()
        except ValueError as error:
            reason = Reason("The compressed frame cannot be read: %(error)s.", error=error)
            await self._refuse(InvalidJSON(reason), None)
        else:
            await self._take_text(text)

    async def _run(self, frame: Frame) -> None:
        known = self.handlers.get(frame.action)
        if known is None:
            raise UnknownAction(f"There is no action {frame.action[:64]!r} here.")
        command_type, handler = known
        if self.connection.principal is None and command_type not in self.open_to_all:
            raise Unauthenticated("Say who you are first: send authenticate.")
        command = convert(frame.fields, command_type)
        self._replying_to = frame.id
        self.connection.hold()
        try:
            answer = await handler(self, command)
            if answer is not None:
                await self.reply(answer)
        finally:
            self._replying_to = None
            self.connection.release()

    async def _echo(self, message: dict[str, Any]) -> None:
        """Send a frame back past the outlet, which knows only the connection's own format."""
        text, data = message.get("text"), message.get("bytes") or b""
        await self.connection.outlet.wait_ready()
        # Everything written before the echo is sent before it.
        await self.connection.outlet.flush()
        if not self.connection.closing:
            frame = {"bytes": data} if text is None else {"text": text}
            await self.base_send({"type": "websocket.send", **frame})
            self.connection.count(Bundle([data]))

    # --- Refusals ---------------------------------------------------------------------------

    async def guarded(self, work: Awaitable[None], identifier: CommandId | None = None) -> None:
        """Await `work`, and tell the client of any error instead of raising it."""
        try:
            await work
        except UnsupportedData as error:
            await self._refuse_unsupported(error, identifier)
        except AppError as error:
            await self._refuse(error, identifier)
        except DATABASE_AWAY as error:
            logger.warning("The database refused a command: %s", error)
            await self._refuse(
                Unavailable("The server cannot do this now: try again.", retry_after=1), identifier
            )
        except Exception:
            logger.exception("A command failed (client %s)", self.connection.client_id)
            await self._refuse(AppError("The server failed at this; it is logged."), identifier)

    def _actor(self) -> Actor:
        address = plain_address(self.connection.peer.address)
        principal = self.connection.principal
        if principal is None:
            return Actor(address=address)
        return Actor(principal.user_id, principal.username, address)

    async def _refuse(self, error: AppError, identifier: CommandId | None) -> None:
        event = messages.error_event(error_in(language(self.scope), error))
        await self.send_event(event, identifier)

    async def _refuse_unsupported(
        self, error: UnsupportedData, identifier: CommandId | None
    ) -> None:
        """Answer with an error a few times, then close: the client does not understand it."""
        self._unsupported += 1
        if self._unsupported > UNSUPPORTED_TOLERATED:
            await self.close(CloseCode.UNSUPPORTED_DATA, error.message)
        else:
            await self._refuse(error, identifier)

    async def _refuse_flood(self, text: str | None, wait: float, now: float) -> None:
        """Refuse a command over the limit and say when to go on; in the end, close with 4013."""
        if self.patience.take(now):
            await self.end(endings.flooding(self.bucket.full_in(now)))
            return
        error = RateLimited("Too many commands.", retry_after=wait)
        told = error_in(language(self.scope), error)
        event = messages.error_event(told, remaining=self.bucket.remaining(now))
        await self.send_event(event, _id_of(text))


def _id_of(text: str | None) -> CommandId | None:
    """Return the id of a command that is not run, if it has one."""
    try:
        return None if text is None else parse(text).id
    except CommandRefused as error:
        return error.id
    except AppError:
        return None
