"""RealtimeConsumer: the base of every endpoint, with the commands that all of them accept.

A subclass lists its commands with `@on(CommandClass)` and stays a few lines per action.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from realtime import messages
from realtime.auth import Credentials, Principal, authenticator
from realtime.errors import Conflict, InvalidCommand, Unauthenticated
from realtime.fanout.book import BookFeed
from realtime.fanout.frames import Bundle, Format
from realtime.fanout.latest import LatestFeed, Selection
from realtime.presence.store import Seat
from realtime.protocol import CloseCode, Event, rfc3339
from realtime.sockets import handshake
from realtime.sockets.admission import admit
from realtime.sockets.dispatch import on as on
from realtime.sockets.following import FollowedLogs as FollowedLogs
from realtime.sockets.following import FollowsLogs
from realtime.sockets.following import refuse_unknown_streams as refuse_unknown_streams
from realtime.streams.log import StreamKey


class RealtimeConsumer(FollowsLogs):
    """Base of every endpoint: subscriptions, and the commands of docs/protocol/common.md."""

    _clock: asyncio.Task[None] | None = None

    # --- For subclasses ---------------------------------------------------------------------

    @property
    def query(self) -> dict[str, str]:
        """The query string of the upgrade: the last value for each name."""
        return handshake.query(self.scope)

    @property
    def compressed(self) -> bool:
        """True if binary frames hold compressed JSON on this connection (`?compress=zlib`)."""
        return bool(self.format & Format.COMPRESS)

    def push(self, event: Event) -> None:
        """Send an event of no stream: now, or when this connection can take it again."""
        self.connection.push(Bundle([event.encode()]))

    async def follow_latest(self, key: StreamKey, selection: Selection) -> None:
        """Push the newest values as `selection` renders them, starting after the current reply.

        Raises:
            TooManySubscriptions: this connection would follow more streams than it may.
        """
        self.require_room_for(key)
        await self.hub.follow(self.connection, LatestFeed, key, selection)

    async def unfollow_latest(self, key: StreamKey) -> None:
        await self.hub.unfollow(self.connection, LatestFeed, key)

    async def follow_book(self, key: StreamKey) -> None:
        """Push a book, starting after the current reply. Always sends a snapshot first.

        Raises:
            TooManySubscriptions: this connection would follow more streams than it may.
        """
        self.require_room_for(key)
        await self.hub.follow(self.connection, BookFeed, key, None)

    async def unfollow_book(self, key: StreamKey) -> None:
        await self.hub.unfollow(self.connection, BookFeed, key)

    def enter(self, scope: str) -> None:
        """Make the user present in `scope` through this connection."""
        self.hub.presence.enter(self._seat(scope), self.connection.client_id)

    def leave(self, scope: str) -> None:
        """Leave `scope`; the user stays present while another of their connections is in it."""
        self.hub.presence.leave(self._seat(scope), self.connection.client_id)

    def _seat(self, scope: str) -> Seat:
        return Seat(self.principal.workspace_id, scope, self.principal.user_id)

    def ended(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        super().ended()

    # --- Common commands --------------------------------------------------------------------

    @on(messages.Authenticate)
    async def authenticate(self, command: messages.Authenticate) -> None:
        """Let an anonymous client in. A known one may show another token of the same user.

        Raises:
            Unauthenticated: to a known client, whose socket stays as it is: the token is not valid.
            Conflict: the token is another user's.
        """
        workspace = handshake.query(self.scope).get("workspace") or None
        shown = Credentials(bearer=command.token, workspace=workspace)
        known = self.connection.principal
        if known is not None:
            await self._verify(known, shown)
        elif not await self.let_in(await admit(self.hub, self.place, shown)):
            return
        else:
            self.heartbeat.authenticated()
        await self.reply(
            messages.AuthSuccess(
                user_id=self.principal.user_id,
                username=self.principal.username,
                workspace=self.principal.workspace,
            )
        )
        if known is None:
            await self.guarded(self.connected())

    async def _verify(self, known: Principal, shown: Credentials) -> None:
        found = await self.call(authenticator(), shown)
        if found is None:
            raise Unauthenticated("This token is not valid.")
        if found.user_id != known.user_id:
            raise Conflict("This socket is another user's: open one of your own.")

    @on(messages.Ping)
    async def ping(self, command: messages.Ping) -> Event:
        return messages.Pong(timestamp=rfc3339(time.time()))

    @on(messages.HeartbeatCommand)
    async def acknowledge_heartbeat(self, command: messages.HeartbeatCommand) -> Event:
        return messages.HeartbeatAck(timestamp=rfc3339(time.time()))

    @on(messages.HeartbeatAcknowledged)
    async def heartbeat_acknowledged(self, command: messages.HeartbeatAcknowledged) -> None:
        """Measure the round trip; `timestamp` is that of the heartbeat."""
        stamp = None if command.timestamp is None else str(command.timestamp)
        self.heartbeat.acknowledged(time.monotonic(), stamp)
        self.connection.round_trip = self.heartbeat.round_trip.smoothed

    @on(messages.Close)
    async def close_requested(self, command: messages.Close) -> None:
        await self.close(CloseCode.NORMAL, "Closed as asked.")

    @on(messages.Echo)
    async def echo(self, command: messages.Echo) -> None:
        """Send no reply: the echo of the next frame is the reply."""
        self.echo_next = True

    @on(messages.RequestData)
    async def request_data(self, command: messages.RequestData) -> Event:
        """Return the requested data; endpoints add requests by overriding `requested_data`."""
        if command.request == "time":
            return self._start_clock(command.interval or messages.CLOCK_INTERVAL)
        if command.interval is not None:
            raise InvalidCommand.field("interval", "Only the request `time` is repeated.")
        return messages.DataResponse(
            request=command.request,
            data=await self.requested_data(command.request),
            timestamp=rfc3339(time.time()),
        )

    async def requested_data(self, request: str) -> Any:
        """Return the data of one request.

        Raises:
            InvalidCommand: there is no request of that name here.
        """
        if request == "server_time":
            return _clock_reading()
        if request == "connection":
            return self.statistics()
        raise InvalidCommand.field("request", f"There is no {request[:64]!r} to request here.")

    def statistics(self) -> dict[str, Any]:
        """Return the statistics of this connection, for its own client."""
        connection, who = self.connection, self.principal
        return {
            "client_id": connection.client_id,
            "user": {"id": who.user_id, "username": who.username},
            "workspace": who.workspace,
            **connection.statistics(),
            "heartbeat_interval": round(self.heartbeat.interval, 3),
            "commands_remaining": self.bucket.remaining(time.monotonic()),
        }

    def _start_clock(self, interval: float) -> Event:
        """Start the connection's only clock; a second request sets a new interval."""
        if self._clock is not None:
            self._clock.cancel()
        self._clock = asyncio.get_running_loop().create_task(self._tell_time(interval))
        return messages.TimeUpdate(data=_clock_reading(), timestamp=rfc3339(time.time()))

    async def _tell_time(self, interval: float) -> None:
        while not self.connection.closing:
            await asyncio.sleep(interval)
            # A time that comes late is useless, so a client that lags misses this one.
            if self.connection.ready:
                update = messages.TimeUpdate(data=_clock_reading(), timestamp=rfc3339(time.time()))
                self.connection.write(Bundle([update.encode()]))


def _clock_reading() -> dict[str, Any]:
    now = time.time()
    return {"server_time": rfc3339(now), "epoch_seconds": round(now, 6)}
