"""uvicorn, with three things that it lacks: raw writes, a deadline for every close, a drain.

FanoutProtocol relies on non-public attributes of uvicorn's sans-I/O WebSocket protocol: uvicorn is
pinned, and tests/realtime/server/test_uvicorn.py fails when they change.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import Any, cast

import uvicorn
from django.conf import settings
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from realtime.fanout.connection import CLOSE_DEADLINE
from realtime.fanout.frames import Bundle, Format
from realtime.fanout.outlets import AsgiOutlet, Outlet, RawOutlet, Send, WatchedTransport
from realtime.hub import get_hub
from realtime.messages import Disconnect
from realtime.protocol import CloseCode

# The kernel would buffer megabytes: a small send buffer shows early that a peer lags.
SEND_BUFFER = 128 * 1024
DRAIN_WITHIN = 2.0
EXTENSION = "pitwall.raw"
MAX_FRAGMENTS = 1024


class FanoutProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, which offers its transport to the Hub through the scope."""

    transport: WatchedTransport  # type: ignore[assignment]
    # The format in which the application writes to this socket, once it does.
    wanted: Format | None = None

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

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        # Do not keep buffered data for a peer that closes and then reads nothing.
        self.loop.call_later(CLOSE_DEADLINE, self.abort)

    def handle_ping(self) -> None:
        if not self.close_sent:
            super().handle_ping()

    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def handle_cont(self, event: Frame) -> None:
        # Empty fragments never reach the size limit, and no client needs this many.
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.TOO_BIG, "too many fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        # uvicorn would log a client's invalid UTF-8 as an exception of ours.
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self.frames = []
            self._fail(CloseCode.INVALID_TEXT, "text that is not UTF-8")
        else:
            super().send_receive_event_to_app()

    def _fail(self, code: int, reason: str) -> None:
        if not self.close_sent:
            self.conn.fail(code, reason)
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
            event = Disconnect(code=closing.code, reason=closing.reason)
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


class DrainingServer(uvicorn.Server):
    """uvicorn's server, except that it tells sockets to reconnect instead of cutting them off."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_WITHIN + CLOSE_DEADLINE):
                await (await get_hub()).roster.drain(DRAIN_WITHIN)
        await super().shutdown(sockets)


def configuration(application: Any) -> uvicorn.Config:
    """Return uvicorn's settings: our WebSocket protocol, no deflate, a frame cap, our own logs."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws=FanoutProtocol,
        ws_max_size=int(settings.REALTIME_LIMITS["max_frame_bytes"]),
        ws_per_message_deflate=False,
        # The protocol has its own heartbeats; pings on top would only cost frames.
        ws_ping_interval=None,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=20,
    )
