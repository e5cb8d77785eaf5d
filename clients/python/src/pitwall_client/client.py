"""The client: commands and events of one Pitwall endpoint."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection

from . import addresses
from .commands import Commands
from .credentials import Anonymous, Credentials
from .errors import ConnectionClosedError
from .frames import Frame, encode
from .inbox import Inbox
from .link import Link
from .session import Session
from .state import Standing
from .state import State as State

# Events kept beyond `buffer` while a command waits for its reply, which comes after them.
BEYOND_BUFFER = 10_000


class Client:
    """A connection to one Pitwall endpoint that reconnects and resumes automatically.

        async with Client("ws://127.0.0.1:8000/ws/dashboard/", Token(token)) as client:
            await client.command("subscribe", metrics=["cpu_usage"])
            async for event in client:
                ...

    Args:
        url: `ws://` or `wss://` address of the endpoint; it may have query parameters.
        credentials: one of `Token`, `Jwt`, `SessionCookie`, `Ticket`, `FirstFrame`. None connects
            anonymously.
        workspace: slug; None selects the user's default workspace.
        batch: let the server combine waiting pushes into one frame.
        compress: let the server send zlib-compressed frames.
        on_state: called on the event loop with every new `State`.
        buffer: number of unread events at which the client reads no more (`State.FULL`). The
            server then treats it like any slow client. While a command waits for its reply, or
            `event` for its event, the client reads on and keeps up to 10,000 events more; of
            those beyond, log streams are resumed later, and the others count in `lost_events`.
        uniform: source of the reconnect jitter.
        connect_within: seconds to go on trying to open the first connection while the server is
            down or busy. 0: try once.

    Raises:
        ValueError: `url` is not a WebSocket address.
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
        connect_within: float = 30.0,
    ) -> None:
        query = {
            **({"workspace": workspace} if workspace else {}),
            **({"batch": "1"} if batch else {}),
            **({"compress": "zlib"} if compress else {}),
        }
        self._connect_within = connect_within
        self._inbox = Inbox(buffer, buffer + BEYOND_BUFFER)
        self._standing = Standing(on_state)
        self._link = Link(
            addresses.check_endpoint(url),
            credentials or Anonymous(),
            query,
            inbox=self._inbox,
            standing=self._standing,
            uniform=uniform,
        )
        self._commands = Commands(self._link, self._standing)
        self._entered = False
        self._runner: asyncio.Task[None] | None = None

    # -- opening and closing

    async def __aenter__(self) -> Self:
        """Connect, and send the `authenticate` frame if the credentials need one.

        Raises:
            AuthenticationError: the server rejected the credentials, or (UnknownWorkspaceError)
                this user is not in the workspace.
            ConnectionClosedError: the server closed the connection for good, there is no such
                endpoint (UnknownEndpointError), or this client has been opened before.
            ConnectionLostError: the server could not be reached within `connect_within`
                (UnreachableError), or it ended the connection.
        """
        if self._entered:
            raise ConnectionClosedError(None, "a client can be opened only once: create another")
        self._entered = True
        try:
            await self._link.open(self._connect_within)
        except ConnectionClosedError as error:
            self._link.end(error)
            raise
        except BaseException:
            self._link.end(ConnectionClosedError(None, "this client could not be opened"))
            raise
        self._runner = asyncio.create_task(self._link.run(), name="pitwall-client")
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
        self._entered = True
        socket = self._link.socket
        if self._standing.closed_with is None:
            self._standing.closed_with = ConnectionClosedError(1000, "closed by this client")
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        if socket is not None:
            await socket.close()
        self._link.end(self._standing.closed_with)

    @property
    def session(self) -> Session:
        """The protocol's state: positions, and what is followed."""
        return self._link.session

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self._standing.state

    @property
    def client_id(self) -> str | None:
        """The id that the server gave to the current connection."""
        return (self.session.established or {}).get("client_id")

    @property
    def lost_events(self) -> int:
        """Number of live events lost because the application did not take them in time."""
        return self._link.lost_events

    @property
    def _socket(self) -> ClientConnection | None:
        return self._link.socket

    # -- sending

    async def command(self, action: str, /, *, within: float = 30.0, **fields: Any) -> Frame:
        """Send a command and wait for its reply.

        The command waits while the connection is being restored, and until it is its turn: the
        client sends no faster than the server takes commands. A command that was refused as
        `rate_limited` has not been run, and is sent again when the server is ready, unless that
        would take longer than `within`.

        Args:
            within: seconds to wait for the connection, and then for the reply. The time until it
                is this command's turn does not count.

        Raises:
            CommandError: the server refused the command.
            ConnectionLostError: the connection broke before the reply came.
            ConnectionClosedError: the connection is closed for good, or was never opened.
            TimeoutError: no reply came within `within` seconds.
        """
        self._require_entered()
        return await self._commands.run(action, fields, within)

    async def send(self, frame: Mapping[str, Any] | str | bytes) -> None:
        """Send one frame unchanged, without an id and without waiting for a reply.

        Raises:
            ConnectionLostError: there is no connection at the moment.
            ConnectionClosedError: the connection is closed for good, or was never opened.
        """
        self._require_entered()
        data = encode(dict(frame)) if isinstance(frame, Mapping) else frame
        await self._commands.send(data)

    async def wait_until_live(self) -> None:
        """Wait until the server accepts commands.

        Raises:
            ConnectionClosedError: the connection is closed for good, or was never opened.
        """
        self._require_entered()
        await self._standing.until_open()

    def _require_entered(self) -> None:
        if not self._entered:
            raise ConnectionClosedError(None, "not open: use the client in `async with`")

    # -- receiving

    async def event(self, kind: str, /, *, within: float = 10.0, **fields: Any) -> Frame:
        """Return the oldest unread event of a type, waiting for one if necessary.

        Events of other types stay unread. The event's fields must equal `fields`.

        Raises:
            ConnectionClosedError: the connection is closed for good and no such event is left, or
                it was never opened.
            TimeoutError: no such event came within `within` seconds.
        """
        self._require_entered()

        def matches(frame: Frame) -> bool:
            wanted = {"type": kind, **fields}
            return all(frame.get(name) == value for name, value in wanted.items())

        async with asyncio.timeout(within):
            return await self._inbox.take(matches)

    async def __aiter__(self) -> AsyncGenerator[Frame, None]:
        """Yield every event in order, until the connection is closed for good.

        Raises:
            ConnectionClosedError: the connection was closed for good with a code other than 1000,
                or was never opened.
        """
        self._require_entered()
        while True:
            try:
                yield await self._inbox.take(lambda frame: True)
            except ConnectionClosedError as closed:
                if closed.code == 1000:
                    return
                raise

    def drain(self) -> list[Frame]:
        """Return all unread events and remove them from the buffer."""
        return self._inbox.drain()
