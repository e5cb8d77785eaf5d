"""The Hub: one per process, between the channel layer and the sockets.

It joins the groups that its sockets need on one channel of its own, so the layer delivers each
message once per process, however many sockets follow the stream. Consumers have no layer channel.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.utils.module_loading import import_string

from realtime.auth import Credentials, Principal, session_authenticator
from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.fanout.connection import Connection
from realtime.fanout.feeds import Answer, AnyFeed, Feed, Wanted
from realtime.fanout.frames import Bundle
from realtime.fanout.kinds import KINDS
from realtime.presence.store import LocalPresence
from realtime.process import gauges
from realtime.process.load import loop_lag
from realtime.process.loops import every, supervise
from realtime.sessions import directory, rechecks
from realtime.sessions.endings import Ending, going_away
from realtime.sessions.local import Roster, Sweep
from realtime.sessions.revocations import Revocations
from realtime.sessions.session_lookup import Logins
from realtime.streams import publish
from realtime.streams.layer_groups import LayerGroups
from realtime.streams.log import StreamKey

logger = logging.getLogger(__name__)

POLL_INTERVAL = 1.0
REJOIN_INTERVAL = 600.0  # well before the layer's group_expiry (a day)
TOUCH_INTERVAL = 60.0
GATHER_WITHIN = 0.005
MAX_COALESCED = 256


class Hub:
    """Routes streams to the connections of one process. Belongs to one event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.roster = Roster()
        self.connections = self.roster.connections
        self.presence = LocalPresence()
        self.logins = Logins(_look_up)
        self.revocations = Revocations(self.roster)
        self._feeds: dict[tuple[str, StreamKey], AnyFeed] = {}
        self._layer = get_channel_layer()
        self._groups = LayerGroups(self._layer)
        self._joining = asyncio.Lock()
        self._unflushed: dict[AnyFeed, None] = {}
        self._flush_by = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._looks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start receiving; called once, by the first caller that needs the Hub."""
        publish.bind(self.loop)
        gauges.gauge("event_loop_lag", lambda: loop_lag.lag)
        gauges.gauge("websocket_connections", lambda: len(self.connections))
        gauges.gauge("frames_sent", self.roster.frames_sent)
        for name, run in (
            ("receive", self._receive),
            ("poll", every(POLL_INTERVAL, self._poll)),
            ("join", every(POLL_INTERVAL, self._groups.repair)),
            ("rejoin", every(REJOIN_INTERVAL, self._groups.rejoin)),
            ("touch", every(TOUCH_INTERVAL, self._touch)),
            ("presence", self.presence.keep),
            ("rechecks", lambda: rechecks.keep(lambda: list(self.connections))),
            ("registry", lambda: directory.report(lambda: self.connections)),
            ("load", loop_lag.measure),
            ("sweep", every(POLL_INTERVAL, self._sweep)),
        ):
            self._tasks.append(self.loop.create_task(supervise(name, run)))

    async def listening(self) -> None:
        """Return once this process receives revocations, or the layer is known to be away."""
        await self._groups.tried()

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._looks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def register(
        self, connection: Connection, sweep: Sweep, principal: Principal | None, since: float
    ) -> Ending | None:
        """Add a connection, or set its principal; see Roster.add.

        Args:
            since: when the lookup of its credentials began (monotonic seconds).

        Returns the ending of these credentials, or of all connections, if there was one meanwhile:
        then nothing was added, and the caller closes the connection.
        """
        if self.roster.draining:
            return going_away()
        if ending := self.revocations.since(since, principal):
            return ending
        self.roster.add(connection, sweep, principal)
        return None

    async def unregister(self, connection: Connection) -> None:
        """Remove a connection and its subscriptions."""
        self.roster.remove(connection)
        self.presence.leave_all(connection.client_id)
        async with self._joining:
            for place in list(connection.subscriptions):
                await self._unfollow(connection, place)

    async def follow(
        self,
        connection: Connection,
        kind: type[Feed[Wanted, Answer]],
        key: StreamKey,
        wanted: Wanted,
    ) -> Answer:
        """Push a stream to `connection`; the stream's kind defines the meaning of `wanted`.

        Replaces an earlier subscription to the same stream as the same kind.
        """
        return (await self.follow_all(connection, kind, {key: wanted}))[key]

    async def follow_all(
        self,
        connection: Connection,
        kind: type[Feed[Wanted, Answer]],
        wanted: Mapping[StreamKey, Wanted],
    ) -> dict[StreamKey, Answer]:
        """Push several streams of one kind to `connection`: all of them, or none if one fails."""
        feeds = await self._expecting(kind, wanted)
        try:
            for key, feed in feeds.items():
                await feed.prepare(wanted[key])
            return {key: feed.follow(connection, wanted[key]) for key, feed in feeds.items()}
        finally:
            for feed in feeds.values():
                feed.expected -= 1

    async def unfollow(self, connection: Connection, kind: type[AnyFeed], key: StreamKey) -> None:
        """Stop pushing a stream, as that kind, to `connection`."""
        async with self._joining:
            await self._unfollow(connection, (kind.kind, key))

    async def _expecting(
        self, kind: type[Feed[Wanted, Answer]], keys: Collection[StreamKey]
    ) -> dict[StreamKey, Feed[Wanted, Answer]]:
        """Return the feeds of these streams, kept for the subscriber that is expected from now on.

        Opens those that this process does not have yet.
        """
        async with self._joining:
            new = [key for key in keys if (kind.kind, key) not in self._feeds]
            if new:
                try:
                    for key in new:
                        await self._groups.join(publish.group_of(key))
                    opened = await kind.open(new)
                except BaseException:
                    for key in new:
                        await self._leave_group(key)
                    raise
                self._feeds |= {feed.place: feed for feed in opened}
                self._observe_soon(kind, opened)
            feeds = {key: self._feeds[kind.kind, key] for key in keys}
            for feed in feeds.values():
                feed.expected += 1
            return feeds

    def _observe_soon(self, kind: type[AnyFeed], feeds: Sequence[AnyFeed]) -> None:
        """Observe these feeds: messages that came while they were being opened were dropped."""
        look = self.loop.create_task(self._observe(kind, feeds))
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def _unfollow(self, connection: Connection, place: tuple[str, StreamKey]) -> None:
        feed = self._feeds.get(place)
        if feed is not None:
            feed.unfollow(connection)
            if feed.idle:
                del self._feeds[place]
                await self._leave_group(feed.key)

    async def _leave_group(self, key: StreamKey) -> None:
        """Leave the group, unless the stream is still followed as another kind."""
        if not any((kind, key) in self._feeds for kind in KINDS):
            await self._groups.leave(publish.group_of(key))

    async def _receive(self) -> None:
        channel = await self._groups.open()
        while True:
            # Messages that have already arrived are received without yielding to the loop, so the
            # flush that the first of them schedules finds them all. The loop gets a turn every
            # MAX_COALESCED messages.
            for _ in range(MAX_COALESCED):
                for message in publish.unpack(await self._layer.receive(channel)):
                    try:
                        await self._dispatch(message)
                    except Exception:
                        logger.exception("A message of the channel layer was not understood")
            await asyncio.sleep(0)

    async def _dispatch(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "control":
            self.logins.forget()
            self.revocations.heard(message["command"], message["arguments"])
            return
        if kind == "direct":
            self.roster.push(message["criteria"], Bundle([message["event"]]))
            return
        if feed := self._feeds.get((kind, publish.unpack_key(message["key"]))):
            feed.receive(message)
            self._flush_soon(feed)

    def _flush_soon(self, feed: AnyFeed) -> None:
        if not self._unflushed:
            self._flush_by = self.loop.time() + GATHER_WITHIN
            self.loop.call_soon(self._flush)
        self._unflushed[feed] = None

    def _flush(self) -> None:
        if publish.is_sending() and self.loop.time() < self._flush_by:
            # This very process is still sending; the in-memory layer takes a few turns of the loop
            # for each message.
            self.loop.call_soon(self._flush)
            return
        feeds, self._unflushed = self._unflushed, {}
        for feed in feeds:
            try:
                feed.flush()
            except Exception:
                logger.exception("The stream %s could not be written", feed.key.name)

    async def _drop_unfollowed(self) -> None:
        """Drop the feeds whose last subscriber was put out by one of their events."""
        if not any(feed.idle for feed in self._feeds.values()):
            return
        async with self._joining:
            for feed in [feed for feed in self._feeds.values() if feed.idle]:
                del self._feeds[feed.place]
                await self._leave_group(feed.key)

    async def _poll(self) -> None:
        """Find what the layer lost: streams that reach further than this process knows."""
        await self._drop_unfollowed()
        for kind in KINDS.values():
            if feeds := [feed for feed in self._feeds.values() if type(feed) is kind]:
                await self._observe(kind, feeds)

    async def _observe(self, kind: type[AnyFeed], feeds: Sequence[AnyFeed]) -> None:
        try:
            await kind.observe(feeds)
        except DATABASE_AWAY as error:
            logger.warning("Streams cannot be polled: %s", error)

    async def _touch(self) -> None:
        principals = {c.principal for c in self.connections if c.principal is not None}
        if principals:
            touch = import_string(settings.REALTIME_TOUCH)
            try:
                await threads.call(touch, list(principals))
            except DATABASE_AWAY as error:
                logger.warning("Nobody's presence can be noted: %s", error)

    async def _sweep(self) -> None:
        now = time.monotonic()
        for sweep in list(self.connections.values()):
            sweep(now)


async def _look_up(shown: Sequence[Credentials]) -> Sequence[Principal | None]:
    return await threads.call(session_authenticator(), shown)


_hub: Hub | None = None


async def get_hub() -> Hub:
    """Return the Hub of this process; starts it on first use."""
    global _hub
    if _hub is None or _hub.loop is not asyncio.get_running_loop():
        _hub = Hub()
        await _hub.start()
    await _hub.listening()
    return _hub


async def stop_hub() -> None:
    """Stop the Hub of this process, if there is one."""
    global _hub
    if _hub is not None and _hub.loop is asyncio.get_running_loop():
        await _hub.stop()
    _hub = None
