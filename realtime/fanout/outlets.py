"""Outlets: the ways out of a connection.

There are two. On our own server (realtime.server.websocket) frames go straight to the transport,
whose buffer with its high-water mark is the bounded queue of the socket. On any other ASGI server
they go through a short queue of `send` calls with the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from realtime.fanout.frames import Bundle, Format

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Outlet(Protocol):
    """The way out of a connection, which its messages are written to."""

    @property
    def ready(self) -> bool:
        """True while the peer keeps up; false above the high-water mark."""

    @property
    def taken(self) -> int:
        """Bytes or messages that have left this process; grows while the peer takes anything."""

    def write(self, bundle: Bundle) -> None:
        """Send these messages in order. Never blocks, so check `ready` first."""

    async def wait_ready(self) -> None:
        """Return when the peer has taken enough, or is gone."""

    async def flush(self) -> None:
        """Return when an ASGI `send` may follow what was written."""

    def abort(self) -> None:
        """Drop the connection at once, with whatever is still buffered."""


class AsgiOutlet:
    """The ordinary `send` of any ASGI server, with a short queue in front of it.

    Create it in the application's task: cancelling that is the only way to stop a server whose
    `send` blocks.
    """

    HIGH_WATER = 64

    def __init__(self, send: Send, wanted: Format = Format.PLAIN) -> None:
        self._send = send
        self.format = wanted
        self._queue: deque[Bundle] = deque()
        self._drained = asyncio.Event()
        self._drained.set()
        self._task: asyncio.Task[None] | None = None
        self._application = asyncio.current_task()
        self.taken = 0

    @property
    def ready(self) -> bool:
        return len(self._queue) < self.HIGH_WATER

    def write(self, bundle: Bundle) -> None:
        self._queue.append(bundle)
        self._drained.clear()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    async def wait_ready(self) -> None:
        await self._drained.wait()

    async def flush(self) -> None:
        await self._drained.wait()

    def abort(self) -> None:
        self._queue.clear()
        self._drained.set()
        if self._task is not None:
            self._task.cancel()
        if self._application is not None:
            self._application.cancel()

    async def _drain(self) -> None:
        try:
            while self._queue:
                for payload in self._queue.popleft().payloads(self.format):
                    await self._send(self._message(payload))
                    self.taken += 1
        except (OSError, RuntimeError):
            self._queue.clear()  # the peer is gone; the consumer finds out by itself
        finally:
            self._task = None
            self._drained.set()

    def _message(self, payload: bytes) -> dict[str, Any]:
        if self.format & Format.COMPRESS:
            return {"type": "websocket.send", "bytes": payload}
        return {"type": "websocket.send", "text": payload.decode()}


class RawProtocol(Protocol):
    """The part of server.websocket.FanoutProtocol that a raw outlet uses."""

    transport: WatchedTransport
    writable: asyncio.Event

    def raw_write(self, data: bytes) -> None:
        """Write complete frames past the protocol object; does nothing once a close was sent."""

    def abort(self) -> None:
        """Drop the connection with whatever is buffered."""


class RawOutlet:
    """Sends frames straight to the transport, whose high-water mark tells when the peer lags.

    While the transport has nothing buffered and is not closing, the socket can even be written to
    directly, bypassing the transport, together with others (realtime.fanout.io_submit). Any other
    use of the transport makes the outlet `busy`, until `settle` finds the transport empty again.
    """

    __slots__ = ("_protocol", "busy", "descriptor", "format", "on_busy")

    def __init__(self, protocol: RawProtocol, wanted: Format) -> None:
        self._protocol = protocol
        self.format = wanted
        self.descriptor = protocol.transport.descriptor
        self.busy = True
        self.on_busy: Callable[[], None] | None = None
        protocol.transport.watch(self)

    @property
    def ready(self) -> bool:
        return self._protocol.writable.is_set()

    @property
    def taken(self) -> int:
        return self._protocol.transport.taken

    def write(self, bundle: Bundle) -> None:
        self._protocol.raw_write(bundle.wire(self.format))

    def write_rest(self, data: bytes) -> None:
        """Send what the socket itself did not take at once."""
        self._protocol.raw_write(data)

    def become_busy(self) -> None:
        """Forbid writes that bypass the transport, for now."""
        if not self.busy:
            self.busy = True
            if self.on_busy is not None:
                self.on_busy()

    async def wait_ready(self) -> None:
        await self._protocol.writable.wait()

    async def flush(self) -> None:
        """Do nothing: this outlet queues nothing outside the transport."""

    def abort(self) -> None:
        self._protocol.abort()


class WatchedTransport:
    """A transport that knows whether its socket can be written to directly.

    The server's protocol uses it in place of the transport: before anything is written or the
    socket is closed, its outlet becomes busy.
    """

    # Busy outlets that `settle` checks, with their transports.
    _used: dict[RawOutlet, WatchedTransport] = {}

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._outlet: RawOutlet | None = None
        self._written = 0
        sock = transport.get_extra_info("socket")
        plain = sock is not None and transport.get_extra_info("sslcontext") is None
        self.descriptor: int = sock.fileno() if plain else -1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def watch(self, outlet: RawOutlet) -> None:
        """Make `outlet` busy whenever this transport is used from now on."""
        self._outlet = outlet
        self._use()

    @property
    def taken(self) -> int:
        """Bytes that went through the transport and are no longer in it."""
        return self._written - self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        self._use()
        self._written += len(data)
        self._transport.write(data)

    def write_eof(self) -> None:
        self.retire()
        self._transport.write_eof()

    def close(self) -> None:
        self.retire()
        self._transport.close()

    def abort(self) -> None:
        self.retire()
        self._transport.abort()

    def retire(self) -> None:
        """Forbid direct writes for good: the file descriptor may soon belong to another socket."""
        self.descriptor = -1
        if self._outlet is not None:
            self._outlet.become_busy()
            self._outlet.descriptor = -1
            self._used.pop(self._outlet, None)
            self._outlet = None

    def _use(self) -> None:
        if self._outlet is not None and self.descriptor >= 0:
            self._outlet.become_busy()
            self._used[self._outlet] = self

    @classmethod
    def settle(cls) -> None:
        """Release every outlet whose transport has nothing left to do."""
        for outlet, watched in list(cls._used.items()):
            transport = watched._transport
            # uvloop closes a broken transport by itself.
            if not transport.get_write_buffer_size() and not transport.is_closing():
                outlet.busy = False
                del cls._used[outlet]
