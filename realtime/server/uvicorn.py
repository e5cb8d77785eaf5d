"""uvicorn, with three things that it lacks: a raw write, an end to every close, a drain.

FanoutProtocol leans on attributes of uvicorn's sans-I/O WebSocket protocol that are no public
API: uvicorn is pinned, and tests/realtime/test_server.py fails when they change.
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

# The kernel hides megabytes: a small send buffer shows early that a peer does not keep up.
SEND_BUFFER = 128 * 1024
DRAIN_WITHIN = 2.0
EXTENSION = "pitwall.raw"
MAX_FRAGMENTS = 1024


class FanoutProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol, offering its transport to the Hub through the scope."""

    transport: WatchedTransport  # type: ignore[assignment]
    # How the application writes to this socket, once it does.
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
        # The application task is only scheduled by now: its scope can still be extended.
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        # Whoever closes and then reads nothing does not keep what waits for it.
        self.loop.call_later(CLOSE_DEADLINE, self.abort)

    def handle_ping(self) -> None:
        if not self.close_sent:
            super().handle_ping()

    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def handle_cont(self, event: Frame) -> None:
        # Empty fragments never reach the cap on size; nobody has a use for so many.
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.TOO_BIG, "too many fragments")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        # uvicorn would log a client's wrong encoding as an exception of ours.
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
        """Say why, send the close frame, and close without losing either on their way."""
        if self.close_sent:
            return  # what still comes in is only taken off the wire
        closing = self.conn.close_sent
        if closing is None:
            self.abort()  # not even the upgrade has been answered
            return
        farewell = b""
        if self.wanted is not None and self.writable.is_set():
            event = Disconnect(code=closing.code, reason=closing.reason)
            farewell = Bundle([event.encode()]).wire(self.wanted)
        self.transport.write(farewell + b"".join(self.conn.data_to_send()))
        self.transport.retire()  # nothing may be written past it behind the close frame
        self.close_sent = True
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason}
        )
        # Closed with input unread, the kernel resets the connection, and the peer may lose what
        # was written. So it is read to its end, which the peer makes once it has our half's.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.read_paused = False
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_DEADLINE, self.abort)

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # uvicorn would log an answer other than 101 as an error of the application.
            self.handshake_complete = True
        if message["type"] == "websocket.close":
            # A peer that never answers the close, or never reads it, does not keep us waiting.
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
    """The raw outlet on our own server; the ordinary ASGI `send` anywhere else."""
    protocol = scope.get("extensions", {}).get(EXTENSION)
    if isinstance(protocol, FanoutProtocol) and not protocol.conn.extensions:
        protocol.wanted = wanted
        return RawOutlet(protocol, wanted)
    return AsgiOutlet(send, wanted)


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which tells its sockets to come back instead of cutting them off."""

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
    """How Pitwall is served: our WebSocket protocol, no deflate, a frame cap, our own logs."""
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
