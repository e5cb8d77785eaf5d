"""One connection that is kept open: the I/O around the sans-I/O `Session`."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from . import addresses, opening, reconnect
from .credentials import Anonymous, Credentials, FirstFrame, Opening, Renewable
from .errors import (
    AuthenticationError,
    ConnectionClosedError,
    ConnectionLostError,
    UnreachableError,
)
from .frames import encode
from .inbox import Inbox
from .pacing import Pace
from .replies import Replies
from .retrying import Patience
from .session import Session, error_of
from .state import Standing, State

logger = logging.getLogger(__name__)

# After a connection has lasted this long (seconds), the reconnect delays start over.
STABLE_AFTER = 10.0


def now() -> float:
    """Return the time in seconds by the event loop's clock, the one that its timers go by."""
    return asyncio.get_running_loop().time()


class Link:
    """Connects, reads, answers heartbeats, and connects again until it is told to stop.

    Args:
        url: address of the endpoint.
        credentials: asked again before every attempt.
        query: parameters to add to the address.
        inbox: receives the events.
        standing: is told the state.
        uniform: source of the reconnect jitter.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        query: Mapping[str, str],
        *,
        inbox: Inbox,
        standing: Standing,
        uniform: Callable[[float, float], float],
    ) -> None:
        self.session = Session()
        self.replies = Replies()
        self.pace = Pace()
        self.socket: ClientConnection | None = None
        self._url = url
        self._credentials = credentials
        self._query = query
        self._inbox = inbox
        self._standing = standing
        self._uniform = uniform
        self._lost_events = 0
        # The credentials were refused while the connection was open.
        self._refused = False

    # -- opening

    async def open(self, within: float) -> None:
        """Open the first connection; try again for `within` seconds while the server is down.

        Raises:
            AuthenticationError: the server rejected the credentials.
            ConnectionClosedError: the server refused the connection for good.
            ConnectionLostError: the server cannot be reached, or is overloaded.
        """
        patience = Patience(within, self._uniform)
        while True:
            try:
                return await self._connect()
            except ConnectionLostError as error:
                delay = patience.delay(error.retry_after)
                if delay is None:
                    raise
                logger.info("Not connected (%s); trying again in %.1f s", error, delay)
            self._standing.enter(State.WAITING)
            await asyncio.sleep(delay)
            self._standing.enter(State.CONNECTING)

    async def _connect(self) -> None:
        """Open one connection; renew refused credentials once, if they can be renewed."""
        if self._refused:
            await self._renew()
        try:
            await self._open()
        except AuthenticationError:
            if not self._renewable:
                raise
            await self._renew()
            await self._open()

    @property
    def _renewable(self) -> bool:
        return isinstance(self._credentials, Renewable)

    async def _renew(self) -> None:
        if isinstance(self._credentials, Renewable):
            await opening.issued(self._credentials.renew())
        self._refused = False

    async def _open(self) -> None:
        shown = await opening.prepare(self._current_credentials(), self._url)
        try:
            await self._open_with(shown)
        except AuthenticationError as error:
            workspace = self._query.get("workspace") or addresses.parameter(self._url, "workspace")
            raise await opening.explained(error, self._url, shown, workspace) from None
        logger.info("Connected as client %s", (self.session.established or {}).get("client_id"))
        self._standing.enter(State.LIVE)

    async def _open_with(self, shown: Opening) -> None:
        self.session.connected()
        self.pace.connected(now())
        socket = self.socket = await opening.upgrade(self._current_url(), shown, self._query)
        try:
            async with asyncio.timeout(opening.TIMEOUT):
                while self.session.established is None:
                    await self._receive(socket)
                if shown.first_token is not None:
                    await self._authenticate(socket, shown.first_token)
                while shown.shows_anything and not self.session.authenticated:
                    # Refused: the server says so by closing.
                    await self._receive(socket)
                for frame in self.session.restore():
                    await self._write(socket, encode(frame))
        except ConnectionClosed as error:
            raise self._parting(error) from None
        except TimeoutError:
            socket.transport.abort()
            raise UnreachableError("the server accepts connections, but does not answer") from None
        except BaseException:
            socket.transport.abort()
            raise

    def _current_credentials(self) -> Credentials:
        """Return the credentials: an `authenticate` command counts if there were none."""
        if isinstance(self._credentials, Anonymous) and self.session.token is not None:
            return FirstFrame(self.session.token)
        return self._credentials

    def _current_url(self) -> str:
        """Return the address, without its room if the user has left or unsubscribed from it."""
        room = addresses.parameter(self._url, "room")
        if room is not None and self.session.following.unwanted_room(room):
            return addresses.without(self._url, "room")
        return self._url

    async def _authenticate(self, socket: ClientConnection, token: str) -> None:
        command_id, frame = self.session.command("authenticate", {"token": token})
        with self.replies.expected(command_id) as reply:
            await self._write(socket, encode(frame))
            while not reply.done():
                await self._receive(socket)
        if error := error_of(reply.result()):
            raise AuthenticationError(None, str(error))

    # -- keeping it open

    async def run(self) -> None:
        """Read until the connection ends, then connect again, until told to stop."""
        attempt = 0
        try:
            while True:
                began = now()
                closed = await self._read_until_closed()
                stable = now() - began >= STABLE_AFTER
                if isinstance(closed, AuthenticationError) and self._renewable:
                    self._refused, closed = True, ConnectionLostError(str(closed))
                if isinstance(closed, ConnectionClosedError):
                    raise closed
                self.lose_replies(ConnectionLostError("the connection broke before the reply"))
                logger.warning("Connection lost: %s", closed)
                # The delays must also grow if the server accepts and then closes immediately.
                attempt = 0 if stable else attempt + 1
                attempt = await self._reconnect(attempt, closed.retry_after)
        except ConnectionClosedError as error:
            self.end(error)
        except Exception as error:
            # Readers must get an error if this task fails, or they would wait forever.
            self.end(ConnectionClosedError(None, f"the client failed: {type(error).__name__}"))
            raise

    def end(self, error: ConnectionClosedError) -> None:
        """Close for good: waiting commands and readers get `error`."""
        standing = self._standing
        standing.closed_with = standing.closed_with or error
        self.lose_replies(standing.closed_with)
        self._inbox.close(standing.closed_with)
        if standing.state is not State.CLOSED:
            logger.info("Closed: %s", standing.closed_with)
        standing.enter(State.CLOSED)

    def lose_replies(self, error: ConnectionLostError | ConnectionClosedError) -> None:
        """Tell the commands under way that no reply will come."""
        self.socket = None
        self.session.disconnected()
        self.replies.fail(error)

    async def _reconnect(self, attempt: int, retry_after: float | None) -> int:
        """Try until a connection is open. Returns the number of consecutive failures."""
        while True:
            self._standing.enter(State.WAITING)
            await asyncio.sleep(reconnect.delay(attempt, retry_after, self._uniform))
            self._standing.enter(State.CONNECTING)
            try:
                await self._connect()
            except ConnectionLostError as error:
                logger.info("Not connected: %s", error)
                attempt, retry_after = attempt + 1, error.retry_after
            else:
                return attempt

    # -- writing and reading

    async def send(self, data: str | bytes) -> None:
        """Send one frame on the current connection.

        Raises:
            ConnectionLostError: there is none at the moment.
        """
        if self.socket is None:
            raise ConnectionLostError("not connected")
        # The reader looks again whether a reply is waited for.
        self._inbox.changed.fire()
        try:
            await self._write(self.socket, data)
        except ConnectionClosed:
            raise ConnectionLostError("the connection broke before the frame was sent") from None

    async def _write(self, socket: ClientConnection, data: str | bytes) -> None:
        self.pace.sent(now())
        await socket.send(data)

    async def _read_until_closed(self) -> ConnectionClosedError | ConnectionLostError:
        socket = self.socket
        assert socket is not None
        try:
            while True:
                await self._make_room()
                for frame in self.session.catch_up():
                    await self._write(socket, encode(frame))
                await self._receive(socket)
        except ConnectionClosed as error:
            return self._parting(error)
        except TimeoutError:
            # The peer is unreachable: do not wait for its part of the closing handshake.
            socket.transport.abort()
            return ConnectionLostError("nothing was heard from the server")

    async def _make_room(self) -> None:
        """Wait while the buffer is full, unless a command waits for its reply."""
        if self._inbox.full:
            if self._standing.state is not State.FULL:
                logger.warning("The buffer is full: reading no events until some are taken")
            self._standing.enter(State.FULL)
            await self._inbox.changed.until(lambda: not self._inbox.full or bool(self.replies))
        if not self._inbox.full:
            self._standing.enter(State.LIVE)

    async def _receive(self, socket: ClientConnection) -> None:
        async with asyncio.timeout(self.session.heartbeat_timeout):
            data = await socket.recv()
        self.session.shedding = self._inbox.overflowing
        received = self.session.receive(data)
        for command_id, frame in received.replies:
            self.replies.settle(command_id, frame)
        for event in received.events:
            self._inbox.put(event)
        self._report_losses()
        for frame in received.outgoing:
            await self._write(socket, encode(frame))
        if received.must_reconnect:
            # Abort instead of closing with 1000, so that the reader sees a broken connection.
            socket.transport.abort()

    @property
    def lost_events(self) -> int:
        """Number of events that were lost because nothing took them from a full buffer."""
        return self.session.shed + self._inbox.dropped

    def _report_losses(self) -> None:
        if self.lost_events and not self._lost_events:
            logger.warning("The buffer overflowed: live events are lost, log streams resume")
        self._lost_events = self.lost_events

    def _parting(self, error: ConnectionClosed) -> ConnectionClosedError | ConnectionLostError:
        """Return the exception for a closed connection, with the server's time to come back."""
        parting = opening.classify(error)
        if isinstance(parting, ConnectionLostError) and self.session.goodbye is not None:
            parting.retry_after = self.session.goodbye.retry_after
        return parting
