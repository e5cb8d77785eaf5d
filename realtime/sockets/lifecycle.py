"""The life of one WebSocket: handshake, greeting, heartbeats, close.

The contents of frames are handled in sockets.dispatch and realtime.consumers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable
from typing import Any

from channels.consumer import AsyncConsumer
from django.conf import settings
from msgspec import UNSET

from realtime import messages
from realtime.fanout.connection import CLOSE_DEADLINE, Connection
from realtime.fanout.frames import Bundle
from realtime.hub import Hub, get_hub
from realtime.process.load import loop_lag
from realtime.protocol import PROTOCOL_VERSION, rfc3339
from realtime.server.websocket import listen, outlet_for
from realtime.sessions import endings
from realtime.sessions.endings import Ending
from realtime.sockets import handshake
from realtime.sockets.admission import Admission, Slots, admit
from realtime.sockets.heartbeat import HeartbeatTimer
from realtime.sockets.limits import TokenBucket

logger = logging.getLogger(__name__)


class SocketLifecycle(AsyncConsumer):
    """An ASGI application for one socket, from the upgrade to the last byte."""

    # The Hub receives for the whole process: a consumer has no layer channel of its own.
    channel_layer_alias = "none"
    hub: Hub
    connection: Connection

    async def connected(self) -> None:
        """Called once the client is authenticated, before its first command."""

    def ended(self) -> None:
        """Called once the socket is gone, however it ended; overrides must call this one too."""
        self.connection.stop()

    async def take(self, message: dict[str, Any]) -> None:
        """Handle one frame of the client, given as an ASGI `websocket.receive` message."""
        raise NotImplementedError

    async def guarded(self, work: Awaitable[None]) -> None:
        """Await `work`, and tell the client of any error instead of raising it."""
        raise NotImplementedError

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Run the socket to its end. Unlike Channels' own loop, clean up after any error."""
        self.scope = scope
        self.base_send = send
        if (await receive())["type"] != "websocket.connect":
            return
        self.hub = await get_hub()
        self.limits = settings.REALTIME_LIMITS
        self.format = handshake.wanted_format(scope)
        shown = handshake.credentials(scope)
        self.place: Slots = scope["pitwall.place"]
        admission = await admit(self.hub, self.place, shown)
        if admission.ending is not None and admission.ending.status is not None:
            await handshake.refuse(scope, send, admission.ending)
            return
        await send({"type": "websocket.accept"})
        self.connection = Connection(
            client_id=secrets.token_urlsafe(16),
            outlet=outlet_for(scope, send, self.format),
            close=self.close,
            slow_consumer_timeout=self.limits["slow_consumer_timeout"],
            principal=admission.principal,
            peer=handshake.peer(scope),
        )
        try:
            await self._live(receive, admission, anonymous=not handshake.shows_anything(shown))
        except asyncio.CancelledError:
            if not self.connection.closing:
                raise
        finally:
            self.ended()
            await self.hub.unregister(self.connection)

    def heard(self, counted: bool) -> Ending | None:
        """Note a frame that is no message: a ping, a pong, or a piece of a message.

        Pings and pongs are `counted`: they take from the same bucket as commands. Returns why the
        socket is to be closed if they go on beyond the limit.
        """
        now = time.monotonic()
        self.heartbeat.heard(now)
        self.connection.heard_at = now
        if counted and self.bucket.take(now) and self.patience.take(now):
            return endings.flooding(self.bucket.full_in(now))
        return None

    async def end(self, ending: Ending) -> None:
        """Close the socket as `ending` says."""
        await self.close(ending.code, ending.reason, ending.retry_after)

    async def close(self, code: int, reason: str = "", retry_after: float | None = None) -> None:
        """Send the reason, then close. A peer that takes nothing is cut off after two seconds."""
        connection = self.connection
        if connection.closing:
            return
        if connection.outlet.ready:
            farewell = messages.Disconnect(
                code=code, reason=reason, retry_after=UNSET if retry_after is None else retry_after
            )
            connection.write(Bundle([farewell.encode()]))
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
            pass  # already gone

    async def let_in(self, admission: Admission) -> bool:
        """Register the connection. If it is not admitted, close it and return false."""
        ending = admission.ending or self.hub.register(
            self.connection, self._sweep, admission.principal, since=admission.at
        )
        if ending is not None:
            await self.end(ending)
        return ending is None

    async def _live(
        self,
        receive: Any,
        admission: Admission,
        *,
        anonymous: bool,
    ) -> None:
        now = time.monotonic()
        within = self.limits["authenticate_within"] if anonymous else None
        self.heartbeat = HeartbeatTimer(
            now, self.limits["heartbeat_interval"], self.limits["heartbeat_timeout"], within
        )
        self.bucket = TokenBucket(
            self.limits["commands_per_second"], self.limits["command_burst"], now
        )
        # Commands over the limit that are answered before the socket is closed for them.
        self.patience = TokenBucket(
            self.limits["commands_per_second"] / 10, self.limits["max_refused_commands"], now
        )
        listen(self.scope, self.heard)
        self._greet(within)
        if await self.let_in(admission) and admission.principal is not None:
            await self.guarded(self.connected())
        while (message := await receive())["type"] != "websocket.disconnect":
            if not self.connection.closing:
                await self.take(message)
                if self.connection.pumping:
                    await asyncio.sleep(0)  # pushes that waited for the reply go next

    def _greet(self, within: float | None) -> None:
        who = self.connection.principal
        greeting = messages.ConnectionEstablished(
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
        self.connection.write(Bundle([greeting.encode()]))
        self._beat()

    def _beat(self) -> None:
        stamp = rfc3339(time.time())
        beat = messages.Heartbeat(timestamp=stamp, offsets=self.connection.offsets())
        self.heartbeat.sent(time.monotonic(), stamp)
        self.connection.write(Bundle([beat.encode()]))

    def _sweep(self, now: float) -> None:
        """Check the deadlines of this connection; called once a second."""
        if self.connection.closing:
            return
        if self.heartbeat.too_late_to_authenticate(now):
            self._end_soon(endings.NO_CREDENTIALS)
        elif self.heartbeat.silent(now):
            self._end_soon(endings.SILENT)
        elif (who := self.connection.principal) is not None and who.expired(time.time()):
            self._end_soon(endings.of_expired(who))
        elif self.connection.outlet.ready and self.heartbeat.due(now, loop_lag.load):
            self._beat()

    def _end_soon(self, ending: Ending) -> None:
        # Kept on the consumer: an unreferenced task may be collected before it has run.
        self._ending = asyncio.get_running_loop().create_task(self.end(ending))
