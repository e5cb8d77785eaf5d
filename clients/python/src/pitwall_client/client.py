"""The client: one connection that is kept open, around the sans-I/O `Session`."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from . import opening, reconnect
from .credentials import Anonymous, Credentials
from .errors import (
    AuthenticationError,
    CommandError,
    ConnectionClosedError,
    ConnectionLostError,
)
from .frames import Frame, encode
from .inbox import Inbox, Signal
from .session import Session, error_of

# After a connection has lasted this long (seconds), the reconnect delays start over.
STABLE_AFTER = 10.0


class State(StrEnum):
    """The state of the connection."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"  # for the next attempt
    CLOSED = "closed"


class Client:
    """A connection to one Pitwall endpoint that reconnects and resumes automatically.

        async with Client("ws://127.0.0.1:8000/ws/dashboard/", Token(token)) as client:
            await client.command("subscribe", metrics=["cpu_usage"])
            async for event in client:
                ...

    Args:
        url: `ws://` or `wss://` address of the endpoint; it may have query parameters.
        credentials: one of `Token`, `SessionCookie`, `Ticket`, `FirstFrame`. None connects
            anonymously.
        workspace: slug; None selects the user's default workspace.
        batch: let the server combine waiting pushes into one frame.
        compress: let the server send zlib-compressed frames.
        on_state: called on the event loop with every new `State`.
        buffer: number of events kept for the application. While the buffer is full, the client
            does not read from the socket, and the server treats it like any slow client.
        uniform: source of the reconnect jitter.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        workspace: str | None = None,
        batch: bool = False,
        compress: bool = False,
        on_state: Callable[[State], None] | None = None,
        buffer: int = 10_000,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.session = Session()
        self.state = State.CONNECTING
        self._url = url
        self._credentials: Credentials = credentials or Anonymous()
        self._query: dict[str, str] = {
            **({"workspace": workspace} if workspace else {}),
            **({"batch": "1"} if batch else {}),
            **({"compress": "zlib"} if compress else {}),
        }
        self._on_state = on_state
        self._uniform = uniform
        self._inbox = Inbox(buffer)
        self._state_changed = Signal()
        self._replies: dict[int, asyncio.Future[Frame]] = {}
        self._socket: ClientConnection | None = None
        self._runner: asyncio.Task[None] | None = None
        self._closed_with: ConnectionClosedError | None = None
        self._hold_until = 0.0

    # -- opening and closing

    async def __aenter__(self) -> Self:
        """Connect, and send the `authenticate` frame if the credentials need one.

        Raises:
            AuthenticationError: the server rejected the credentials.
            ConnectionClosedError: the server closed the connection for good.
            OSError, TimeoutError: the server cannot be reached.
        """
        await self._open()
        self._runner = asyncio.create_task(self._run(), name="pitwall-client")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        await self.close()

    async def close(self) -> None:
        """Close the connection without reconnecting. Safe to call twice."""
        self._closed_with = self._closed_with or ConnectionClosedError(
            1000, "closed by this client"
        )
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        self._end(self._closed_with)

    @property
    def client_id(self) -> str | None:
        """The id that the server gave to the current connection."""
        return (self.session.established or {}).get("client_id")

    # -- sending

    async def command(self, action: str, /, *, within: float = 30.0, **fields: Any) -> Frame:
        """Send a command and wait for its reply.

        The command waits while the connection is being restored. After a `rate_limited` error,
        the next command waits until the server accepts commands again.

        Raises:
            CommandError: the server refused the command.
            ConnectionLostError: the connection broke before the reply came.
            ConnectionClosedError: the connection is closed for good.
            TimeoutError: no reply came within `within` seconds.
        """
        async with asyncio.timeout(within):
            await asyncio.sleep(max(0.0, self._hold_until - time.monotonic()))
            await self.wait_until_live()
            command_id, frame = self.session.command(action, fields)
            reply = self._replies[command_id] = asyncio.get_running_loop().create_future()
            try:
                await self.send(frame)
                answer: Frame = await reply
            finally:
                self._replies.pop(command_id, None)
                self.session.abandon(command_id)
        if error := error_of(answer):
            self._note_limit(error)
            raise error
        return answer

    async def send(self, frame: Mapping[str, Any] | str | bytes) -> None:
        """Send one frame unchanged, without an id and without waiting for a reply.

        Raises:
            ConnectionLostError: there is no connection at the moment.
        """
        data = encode(dict(frame)) if isinstance(frame, Mapping) else frame
        if self._socket is None:
            raise ConnectionLostError("not connected")
        try:
            await self._socket.send(data)
        except ConnectionClosed as error:
            raise ConnectionLostError(str(error)) from error

    async def wait_until_live(self) -> None:
        """Wait until the server accepts commands.

        Raises:
            ConnectionClosedError: the connection is closed for good.
        """
        await self._state_changed.until(lambda: self.state in (State.LIVE, State.CLOSED))
        if self._closed_with is not None:
            raise self._closed_with

    # -- receiving

    async def event(self, kind: str, /, *, within: float = 10.0, **fields: Any) -> Frame:
        """Return the oldest unread event of a type, waiting for one if necessary.

        Events of other types stay unread. The event's fields must equal `fields`.

        Raises:
            ConnectionClosedError: the connection is closed for good and no such event is left.
            TimeoutError: no such event came within `within` seconds.
        """

        def matches(frame: Frame) -> bool:
            wanted = {"type": kind, **fields}
            return all(frame.get(name) == value for name, value in wanted.items())

        async with asyncio.timeout(within):
            return await self._inbox.take(matches)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        """Yield every event in order, until the connection is closed for good.

        Raises:
            ConnectionClosedError: the connection was closed for good with a code other than 1000.
        """
        while True:
            try:
                yield await self._inbox.take(lambda frame: True)
            except ConnectionClosedError as error:
                if error.code == 1000:
                    return
                raise

    def drain(self) -> list[Frame]:
        """Return all unread events and remove them from the buffer."""
        return self._inbox.drain()

    # -- connecting and reconnecting

    async def _open(self) -> None:
        """Open one connection and wait until the server accepts commands."""
        credentials = await opening.prepare(self._credentials, self._url)
        self.session.connected()
        socket = self._socket = await opening.upgrade(self._url, credentials, self._query)
        try:
            async with asyncio.timeout(opening.TIMEOUT):
                while self.session.established is None:
                    await self._receive(socket)
                if credentials.first_token is not None:
                    await self._authenticate(socket, credentials.first_token)
                if resume := self.session.resume():
                    await socket.send(encode(resume))
        except ConnectionClosed as error:
            raise opening.classify(error) from error
        except BaseException:
            socket.transport.abort()
            raise
        self._enter(State.LIVE)

    async def _authenticate(self, socket: ClientConnection, token: str) -> None:
        command_id, frame = self.session.command("authenticate", {"token": token})
        reply = self._replies[command_id] = asyncio.get_running_loop().create_future()
        await socket.send(encode(frame))
        try:
            while not reply.done():
                await self._receive(socket)
        finally:
            self._replies.pop(command_id, None)
        if error := error_of(reply.result()):
            raise AuthenticationError(None, str(error))

    async def _run(self) -> None:
        """Read until the connection ends, then connect again, until told to stop."""
        attempt = 0
        try:
            while True:
                began = time.monotonic()
                closed = await self._read_until_closed()
                goodbye, self._socket = self.session.goodbye, None
                self._lose_replies()
                if isinstance(closed, ConnectionClosedError):
                    raise closed
                # The delays must also grow if the server accepts and then closes immediately.
                attempt = 0 if time.monotonic() - began >= STABLE_AFTER else attempt + 1
                attempt = await self._reconnect(attempt, goodbye.retry_after if goodbye else None)
        except ConnectionClosedError as error:
            self._end(error)
        except Exception as error:
            # Readers must get an error if this task fails, or they would wait forever.
            self._end(ConnectionClosedError(None, repr(error)))
            raise

    async def _reconnect(self, attempt: int, retry_after: float | None) -> int:
        """Try until a connection is open. Returns the number of consecutive failures."""
        while True:
            self._enter(State.WAITING)
            await asyncio.sleep(reconnect.delay(attempt, retry_after, self._uniform))
            self._enter(State.CONNECTING)
            try:
                await self._open()
            except (ConnectionLostError, OSError, TimeoutError, InvalidHandshake) as error:
                attempt, retry_after = attempt + 1, opening.retry_after(error)
            else:
                return attempt

    async def _read_until_closed(self) -> Exception:
        assert self._socket is not None
        try:
            while True:
                await self._receive(self._socket)
        except ConnectionClosed as error:
            return opening.classify(error)
        except TimeoutError as error:
            # The peer is unreachable: do not wait for its part of the closing handshake.
            self._socket.transport.abort()
            return error

    async def _receive(self, socket: ClientConnection) -> None:
        async with asyncio.timeout(self.session.heartbeat_timeout):
            data = await socket.recv()
        received = self.session.receive(data)
        for frame in received.outgoing:
            await socket.send(encode(frame))
        for command_id, frame in received.replies:
            future = self._replies.get(command_id)
            if future is not None and not future.done():
                future.set_result(frame)
        for event in received.events:
            await self._inbox.put(event)
        if received.must_reconnect:
            # Abort instead of closing with 1000, so that the reader sees a broken connection.
            socket.transport.abort()

    def _lose_replies(self) -> None:
        self.session.disconnected()
        for future in self._replies.values():
            if not future.done():
                future.set_exception(ConnectionLostError("the connection broke before the reply"))
                # A command that is still sending gets the error from `send` and never reads this
                # one: mark it as retrieved, or asyncio would log it.
                future.exception()

    def _note_limit(self, error: CommandError) -> None:
        if error.code == "rate_limited" and error.retry_after:
            self._hold_until = time.monotonic() + error.retry_after

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._state_changed.fire()
            if self._on_state is not None:
                self._on_state(state)

    def _end(self, error: ConnectionClosedError) -> None:
        self._closed_with = self._closed_with or error
        self._lose_replies()
        self._inbox.close(self._closed_with)
        self._enter(State.CLOSED)
