"""RealtimeConsumer: the base of every endpoint, with the commands that all of them take.

A subclass lists its commands with `@on(CommandClass)` and stays a few lines per action.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from realtime import common, handshake
from realtime.auth import Credentials
from realtime.book import BookFeed
from realtime.commands import CommandSocket
from realtime.commands import on as on
from realtime.errors import InvalidCommand, TooManySubscriptions
from realtime.frames import Bundle
from realtime.latest import LatestFeed, Selection
from realtime.log import LogFeed
from realtime.presence import Seat
from realtime.protocol import CloseCode, Event, Position, rfc3339
from realtime.streams import StreamKey


class RealtimeConsumer(CommandSocket):
    """Base of every endpoint: subscriptions, and the common commands of docs/protocol.md."""

    _clock: asyncio.Task[None] | None = None

    # --- What subclasses use ----------------------------------------------------------------

    async def follow_latest(self, key: StreamKey, selection: Selection) -> None:
        """Push what `selection` makes of the newest values, from after this reply on.

        Raises:
            TooManySubscriptions: this connection follows as much as it may.
        """
        self.require_room_for(key)
        await self.hub.follow(self.connection, LatestFeed, key, selection)

    async def unfollow_latest(self, key: StreamKey) -> None:
        await self.hub.unfollow(self.connection, LatestFeed, key)

    async def follow_log(
        self, key: StreamKey, recover: Position | None = None
    ) -> tuple[Position, bool]:
        """Push a log stream's events after `recover`, or from after this reply on.

        Returns the position it goes on from, and whether nothing is missing before that; if
        something is, the caller sends a snapshot.

        Raises:
            TooManySubscriptions: this connection follows as much as it may.
        """
        self.require_room_for(key)
        return await self.hub.follow(self.connection, LogFeed, key, recover)

    async def unfollow_log(self, key: StreamKey) -> None:
        await self.hub.unfollow(self.connection, LogFeed, key)

    async def follow_book(self, key: StreamKey) -> None:
        """Push a book from after this reply on: a snapshot first, also to one that follows it.

        Raises:
            TooManySubscriptions: this connection follows as much as it may.
        """
        self.require_room_for(key)
        await self.hub.follow(self.connection, BookFeed, key, None)

    async def unfollow_book(self, key: StreamKey) -> None:
        await self.hub.unfollow(self.connection, BookFeed, key)

    @property
    def followed_logs(self) -> list[StreamKey]:
        """The log streams that this connection follows."""
        return [key for kind, key in self.connection.subscriptions if kind == LogFeed.kind]

    def enter(self, scope: str) -> None:
        """Count this connection among those that make its user present in `scope`."""
        self.hub.presence.enter(self._seat(scope), self.connection.client_id)

    def leave(self, scope: str) -> None:
        """The user stays present for as long as another of their connections is in `scope`."""
        self.hub.presence.leave(self._seat(scope), self.connection.client_id)

    def _seat(self, scope: str) -> Seat:
        return Seat(self.principal.workspace_id, scope, self.principal.user_id)

    def require_room_for(self, *keys: StreamKey) -> None:
        """Check before following several, so that a refused command has changed nothing.

        Raises:
            TooManySubscriptions: with `keys` this connection would follow more than it may.
        """
        followed = {key for _, key in self.connection.subscriptions}
        limit = int(self.limits["max_subscriptions"])
        if len(followed.union(keys)) > max(limit, len(followed)):
            raise TooManySubscriptions(f"A connection follows at most {limit} streams.")

    def ended(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        super().ended()

    # --- Common commands --------------------------------------------------------------------

    @on(common.Authenticate)
    async def authenticate(self, command: common.Authenticate) -> None:
        anonymous = self.connection.principal is None
        if anonymous:
            workspace = handshake.query(self.scope).get("workspace")
            shown = Credentials(bearer=command.token, workspace=workspace or None)
            principal, refusal, looked_up = await self.identify(shown)
            if refusal is not None:
                await self.close(*refusal)
                return
            assert principal is not None  # something was shown, and it was not refused
            if ending := self.hub.revocations.since(looked_up, principal):
                await self.close(ending.code, ending.reason)
                return
            if full := self.place.enter_as(principal.user_id):
                await self.close(CloseCode.OVERLOADED, full.reason, handshake.RETRY_AFTER)
                return
            self.hub.roster.identified(self.connection, principal)
            self.heartbeat.authenticated()
        await self.reply(
            common.AuthSuccess(
                user_id=self.principal.user_id,
                username=self.principal.username,
                workspace=self.principal.workspace,
            )
        )
        if anonymous:
            await self.connected()

    @on(common.Ping)
    async def ping(self, command: common.Ping) -> Event:
        return common.Pong(timestamp=rfc3339(time.time()))

    @on(common.HeartbeatCommand)
    async def acknowledge_heartbeat(self, command: common.HeartbeatCommand) -> Event:
        return common.HeartbeatAck(timestamp=rfc3339(time.time()))

    @on(common.HeartbeatAcknowledged)
    async def heartbeat_acknowledged(self, command: common.HeartbeatAcknowledged) -> None:
        """`timestamp` is that of the heartbeat: it tells the round trip."""
        stamp = None if command.timestamp is None else str(command.timestamp)
        self.heartbeat.acknowledged(time.monotonic(), stamp)
        self.connection.round_trip = self.heartbeat.round_trip.smoothed

    @on(common.Close)
    async def close_requested(self, command: common.Close) -> None:
        await self.close(CloseCode.NORMAL, "Closed as asked.")

    @on(common.Echo)
    async def echo(self, command: common.Echo) -> None:
        """No reply of its own: what comes next is the reply."""
        self.echo_next = True

    @on(common.RequestData)
    async def request_data(self, command: common.RequestData) -> Event:
        """What the client asks to know; endpoints add to it by `requested_data`."""
        if command.request == "time":
            return self._start_clock(command.interval or common.CLOCK_INTERVAL)
        if command.interval is not None:
            reason = "Only the request `time` is repeated."
            raise InvalidCommand(reason, errors={"interval": [reason]})
        return common.DataResponse(
            request=command.request,
            data=await self.requested_data(command.request),
            timestamp=rfc3339(time.time()),
        )

    async def requested_data(self, request: str) -> Any:
        """The data of one request.

        Raises:
            InvalidCommand: nothing of that name can be requested here.
        """
        if request == "server_time":
            return _clock_reading()
        if request == "connection":
            return self.statistics()
        reason = f"There is no {request[:64]!r} to request here."
        raise InvalidCommand(reason, errors={"request": [reason]})

    def statistics(self) -> dict[str, Any]:
        """This connection, for the one at its other end."""
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
        """One clock a connection: asked again, it goes on at the new interval."""
        if self._clock is not None:
            self._clock.cancel()
        self._clock = asyncio.get_running_loop().create_task(self._tell_time(interval))
        return common.TimeUpdate(data=_clock_reading(), timestamp=rfc3339(time.time()))

    async def _tell_time(self, interval: float) -> None:
        while not self.connection.closing:
            await asyncio.sleep(interval)
            # A time that comes late is no use: whoever lags misses this one.
            if self.connection.ready:
                update = common.TimeUpdate(data=_clock_reading(), timestamp=rfc3339(time.time()))
                self.connection.write(Bundle([update.encode()]))


def _clock_reading() -> dict[str, Any]:
    now = time.time()
    return {"server_time": rfc3339(now), "epoch_seconds": round(now, 6)}
