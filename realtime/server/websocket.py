"""uvicorn's WebSocket protocol with raw writes, a deadline for every close, and bounded answers.

FanoutProtocol relies on non-public attributes of uvicorn's sans-I/O WebSocket protocol, and
NewestPong on one of websockets': both are pinned, and tests/realtime/server/test_uvicorn.py fails
when they change.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

from msgspec import UNSET
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from realtime.fanout.connection import CLOSE_DEADLINE
from realtime.fanout.frames import Bundle, Format
from realtime.fanout.outlets import AsgiOutlet, Outlet, RawOutlet, Send, WatchedTransport
from realtime.messages import Disconnect
from realtime.protocol import CloseCode
from realtime.sessions.endings import Ending

# The kernel would buffer megabytes: a small send buffer shows early that a peer lags.
SEND_BUFFER = 128 * 1024
EXTENSION = "pitwall.raw"
MAX_FRAGMENTS = 1024
# Bytes that are parsed at once; the rest waits until the application has taken what was in them.
PORTION = 16 * 1024
# Pings and pongs that a peer may send before its upgrade has been answered.
MAX_EARLY = 16

# Told of a frame that the application does not get (True: it counts as a command). Returns why the
# socket is to be closed, if it is.
Listener = Callable[[bool], Ending | None]


class NewestPong(ServerProtocol):
    """websockets' protocol, which queues no pongs but keeps what the newest one has to hold.

    A peer that pings faster than it reads gets one pong for several pings (RFC 6455, 5.5.3).
    """

    pong: bytes | None = None

    def send_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self.pong = bytes(frame.data)
        else:
            super().send_frame(frame)

    def take_pong(self) -> bytes:
        """Return the pong that is due, as it goes over the wire; empty if none is."""
        data, self.pong = self.pong, None
        return b"" if data is None else Frame(Opcode.PONG, data).serialize(mask=False)


class FanoutProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, which offers its transport to the Hub through the scope."""

    transport: WatchedTransport  # type: ignore[assignment]
    # The format in which the application writes to this socket, once it does.
    wanted: Format | None = None
    listener: Listener | None = None
    _retry_after: float | None = None
    _early = 0
    # What was received and is not parsed yet.
    _rest = b""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn: NewestPong = NewestPong(
            max_size=self.config.ws_max_size, logger=logging.getLogger("uvicorn.error")
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(WatchedTransport(cast(asyncio.Transport, transport)))  # type: ignore[arg-type]
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport.retire()
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        # The application task is scheduled but has not started: its scope can still be extended.
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    # --- Input --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._rest = self._rest + data if self._rest else data
        self._parse()

    def _parse(self) -> None:
        """Parse portions for as long as the application takes what is in them.

        One chunk may hold tens of thousands of frames: queued all at once, they would take many
        times the memory of the chunk.
        """
        while self._rest and (self.close_sent or not self.read_paused):
            portion, self._rest = self._rest[:PORTION], self._rest[PORTION:]
            super().data_received(portion)

    async def receive(self) -> Any:
        message = await super().receive()
        self._parse()
        return message

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        # Do not keep buffered data for a peer that closes and then reads nothing.
        self.loop.call_later(CLOSE_DEADLINE, self.abort)

    def handle_ping(self) -> None:
        self._heard(counted=True)
        self._send_pong()

    def handle_pong(self, event: Frame) -> None:
        self._heard(counted=True)
        super().handle_pong(event)

    def _heard(self, *, counted: bool) -> None:
        """Tell the application that the peer sent something which it does not get as a message."""
        if self.close_sent:
            return
        if self.listener is None:
            self._early += counted
            if self._early > MAX_EARLY:
                self.abort()
        elif ending := self.listener(counted):
            self._fail(ending)

    def _send_pong(self) -> None:
        # Before the upgrade is answered a pong would be taken for the answer.
        if self.handshake_complete and not self.close_sent and self.writable.is_set():
            self.transport.write(self.conn.take_pong())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.conn.pong is not None:
            self._send_pong()

    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def handle_cont(self, event: Frame) -> None:
        # Empty fragments never reach the size limit, and no client needs this many.
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(Ending(CloseCode.TOO_BIG, "too many fragments"))
            return
        if not event.fin:
            self._heard(counted=False)
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        # uvicorn would log a client's invalid UTF-8 as an exception of ours.
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self.frames = []
            self._fail(Ending(CloseCode.INVALID_TEXT, "text that is not UTF-8"))
        else:
            super().send_receive_event_to_app()

    # --- The end ------------------------------------------------------------------------------

    def _fail(self, ending: Ending) -> None:
        if not self.close_sent:
            self._retry_after = ending.retry_after
            self.conn.fail(ending.code, ending.reason)
            self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Send the reason and the close frame, and close without losing either on the way."""
        if self.close_sent:
            return  # further input is read and dropped
        closing = self.conn.close_sent
        if closing is None:
            self.abort()  # the upgrade has not been answered yet
            return
        farewell = b""
        if self.wanted is not None and self.writable.is_set():
            retry_after = UNSET if self._retry_after is None else self._retry_after
            event = Disconnect(code=closing.code, reason=closing.reason, retry_after=retry_after)
            farewell = Bundle([event.encode()]).wire(self.wanted)
        self.transport.write(farewell + b"".join(self.conn.data_to_send()))
        self.transport.retire()  # no direct write may follow the close frame
        self.close_sent = True
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason}
        )
        # If the socket is closed with input unread, the kernel resets the connection and the peer
        # may lose what was written. So read until the peer closes its half, which it does once it
        # has seen the end of ours.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.read_paused = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_DEADLINE, self.abort)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # uvicorn would log a response other than 101 as an application error.
            self.handshake_complete = True
        if message["type"] == "websocket.close":
            # Do not wait for a peer that never answers the close, or never reads it.
            self.loop.call_later(CLOSE_DEADLINE, self.abort)
            self._parse()  # the peer's answer to the close may be in what was not parsed

    # --- For the application ------------------------------------------------------------------

    def raw_write(self, data: bytes) -> None:
        """Write complete frames past the protocol object; nothing once a close was sent."""
        if not self.close_sent and not self.disconnected:
            self.transport.write(data)

    def abort(self) -> None:
        """Drop the connection with whatever is buffered."""
        if not self.disconnected:
            self.transport.abort()


def _is_utf8(fragments: Sequence[bytes]) -> bool:
    try:
        b"".join(fragments).decode()
    except UnicodeDecodeError:
        return False
    return True


def outlet_for(scope: dict[str, Any], send: Send, wanted: Format) -> Outlet:
    """Return a raw outlet on our own server, and one for the ASGI `send` on any other."""
    protocol = scope.get("extensions", {}).get(EXTENSION)
    if isinstance(protocol, FanoutProtocol) and not protocol.conn.extensions:
        protocol.wanted = wanted
        return RawOutlet(protocol, wanted)
    return AsgiOutlet(send, wanted)


def listen(scope: dict[str, Any], listener: Listener) -> None:
    """Have `listener` told of pings, pongs and fragments; on another server nobody is."""
    protocol = scope.get("extensions", {}).get(EXTENSION)
    if isinstance(protocol, FanoutProtocol):
        protocol.listener = listener
