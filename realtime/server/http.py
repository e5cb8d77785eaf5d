"""uvicorn's HTTP/1.1 protocol with limits: no peer holds a connection or memory for nothing.

A request's head has a number of bytes and of seconds. A body, and an answer that the peer does not
read, must keep moving. Requests that come before the answer to an earlier one wait as bytes.

Relies on non-public attributes of uvicorn: it is pinned, and tests/realtime/server/test_uvicorn.py
fails when they change.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from django.conf import settings
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from realtime.fanout.connection import CLOSE_DEADLINE
from realtime.server.connections import Connections
from realtime.server.pace import Pace
from realtime.server.refusals import Refusal
from realtime.translations import wanted_language

# Bytes that are parsed at once. One portion holds at most a few dozen requests.
HEAD_PORTION = 1024
BODY_PORTION = 64 * 1024
CHUNKED_PORTION = 4096
# Seconds in which a client that is still sending can read why its body is refused.
LISTEN_ON = 10.0

MALFORMED = Refusal(400, "invalid_command", "This is no valid HTTP request.")
TOO_LATE = Refusal(408, "unavailable", "The request took too long to arrive.")
HEAD_TOO_LARGE = Refusal(
    431, "invalid_command", "The address and the headers of this request are too large."
)


class Flow(FlowControl):
    """uvicorn's flow control, which does not read while it is `held`."""

    held = False

    def hold(self) -> None:
        self.held = True
        self.pause_reading()

    def release(self) -> None:
        self.held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection; `check` is called once a second (realtime.server.uvicorn)."""

    flow: Flow
    idle_since: float | None = None
    # Received and not parsed yet.
    _rest: memoryview = memoryview(b"")
    # Bytes since the parser last had a whole head, or a piece of a body.
    _unfinished = 0
    _in_head = True
    # Bytes of the body that are still to come; None if the client has not announced them.
    _body_left: int | None = None
    _head_by: float | None = None
    _body: Pace | None = None
    _reader: Pace | None = None
    _unread = 0
    # When to stop reading a body that nobody wants: its answer has been given.
    _drop_by: float | None = None
    _refused = False
    _refuse_next: Refusal | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport)
        self.limits: dict[str, float] = settings.REALTIME_LIMITS
        self._become_idle()
        self._head_by = self.loop.time() + self.limits["header_timeout"]
        full = self._places.enter(self, self.client[0] if self.client else "")
        if full is not None:
            if self._places.turn_away(self):
                self._refuse(full)
            else:
                transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
        self._rest = memoryview(b"")
        super().connection_lost(exc)

    @property
    def _places(self) -> Connections:
        return cast(Connections, self.server_state.http)  # type: ignore[attr-defined]

    # --- Input --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._refused or self._refuse_next is not None:
            return
        self._rest = memoryview(bytes(self._rest) + data if self._rest else data)
        self._parse()

    def _parse(self) -> None:
        while self._rest and not self._ended:
            # A peer that does not read its answers, or does not wait for them, gets no further.
            if self._in_head and (self.pipeline or self.flow.write_paused):
                self.flow.hold()
                return
            portion, self._rest = self._rest[: self._portion], self._rest[self._portion :]
            self._unfinished += len(portion)
            super().data_received(cast(bytes, portion))
            if self._unfinished > self.limits["max_header_bytes"]:
                self._refuse(HEAD_TOO_LARGE)
        if self.flow.held and not self._ended:
            self.flow.release()
        if self._rest and self._ended:
            self._rest = memoryview(b"")
        self._arm()

    @property
    def _ended(self) -> bool:
        return self._refused or self._refuse_next is not None or self.parser is None

    @property
    def _portion(self) -> int:
        if self._in_head:
            return HEAD_PORTION
        if self._body_left is None:
            return CHUNKED_PORTION
        return max(1, min(BODY_PORTION, self._body_left))

    def _arm(self) -> None:
        """Begin the time for a head with its first byte, if no answer is under way."""
        if self._head_by is None and self._unfinished and self._in_head and self._answered:
            self._head_by = self.loop.time() + self.limits["header_timeout"]

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _become_idle(self) -> None:
        self.idle_since = self.loop.time()

    # --- What the parser finds ----------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        # Fields after a chunked body would be added to those that the application has read.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._unfinished = 0
        self._head_by = self.idle_since = None
        self._body_left = _content_length(self.headers)
        self._body = self._pace()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        if self._body_left is not None:
            self._body_left -= len(body)
        if self._body is not None:
            self._body.moved(len(body), self.loop.time())
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._unfinished = 0
        self._body = self._drop_by = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._refuse_next is not None:
            self._refuse(self._refuse_next)
        elif self._answered and self._in_head:
            self._become_idle()
        elif self._answered:
            self._drop_by = self.loop.time() + LISTEN_ON
        self.loop.call_soon(self._parse)

    def handle_websocket_upgrade(self) -> None:
        self._rest = memoryview(b"")
        self._head_by = self._body = None
        self._places.leave(self)
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._refuse(MALFORMED)

    # --- Deadlines ----------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """Enforce the deadlines at `now` (seconds of the event loop's clock)."""
        if self._head_by is not None and now > self._head_by:
            if self._unfinished:
                self._refuse(TOO_LATE)
            else:
                self.drop()
        elif self._drop_by is not None and now > self._drop_by:
            self.drop()
        elif self._body is not None:
            if self.flow.read_paused:
                self._body.restart(now)
            elif self._body.late(now):
                self._refuse(TOO_LATE)
        self._check_reader(now)

    def _check_reader(self, now: float) -> None:
        unread = self.transport.get_write_buffer_size()
        if not unread or not (self.flow.write_paused or self.transport.is_closing()):
            self._reader = None
            return
        if self._reader is None:
            self._reader = self._pace()
        else:
            self._reader.moved(max(0, self._unread - unread), now)
        self._unread = unread
        if self._reader.late(now):
            self.transport.abort()

    def resume_writing(self) -> None:
        self._reader = None
        super().resume_writing()
        self.loop.call_soon(self._parse)

    def _pace(self) -> Pace:
        return Pace(
            self.limits["min_bytes_per_second"], self.limits["stall_timeout"], self.loop.time()
        )

    # --- The end ------------------------------------------------------------------------------

    def drop(self) -> None:
        """Close the connection without an answer."""
        self._head_by = self._body = self._drop_by = None
        self._refused = True
        self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer and close. What the peer still sends is read and dropped, or it would not see it.

        An answer that is under way comes first; one that has begun cannot be replaced.
        """
        if self._refused or self.transport.is_closing():
            return
        if self._answered and not self._in_head:
            self.drop()  # the answer has been given before the whole body was there
            return
        if not self._answered and (self.pipeline or self._in_head):
            self._refuse_next = refusal
            return
        self._refuse_next = None
        self._refused = True
        self._head_by = self._body = self._drop_by = self.idle_since = None
        self._unset_keepalive_if_required()
        if not self._answered and not self._give_up():
            self.transport.abort()
            return
        self.transport.write(refusal.on_the_wire(self._path, self._language))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.release()
        self.loop.call_later(CLOSE_DEADLINE, self.transport.abort)

    def _give_up(self) -> bool:
        """End the request under way as if its client had gone; false if its answer has begun."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        self.flow.resume_writing()
        return not self.cycle.response_started

    @property
    def _path(self) -> str:
        return getattr(self, "url", b"").decode("latin-1")

    @property
    def _language(self) -> str:
        return wanted_language(self.headers or ())


def _content_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    """Return the announced bytes of the body: 0 without any; None if the body is chunked."""
    found: dict[bytes, Any] = dict(headers)
    if b"transfer-encoding" in found:
        return None
    announced = found.get(b"content-length", b"0")
    return int(announced) if announced.isdigit() else 0
