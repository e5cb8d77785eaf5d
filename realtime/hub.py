"""The Hub: one per process, between the channel layer and the sockets.

It joins the groups that its sockets need on one channel of its own, so the layer delivers each
message once per process, however many sockets follow. Consumers have no layer channel.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.module_loading import import_string

from realtime import gauges, publish, rechecks, registry, streams, threads
from realtime.auth import Credentials, Principal, session_authenticator
from realtime.connection import Connection, LatestTopic
from realtime.endings import Ending, going_away
from realtime.feeds import LatestFeed, LogFeed
from realtime.frames import Bundle
from realtime.groups import LayerGroups
from realtime.load import loop_lag
from realtime.logins import Logins
from realtime.loops import every, supervise
from realtime.presence import LocalPresence
from realtime.protocol import Position
from realtime.revocations import Revocations
from realtime.roster import Roster, Sweep
from realtime.streams import StreamKey

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
        self._latest: dict[StreamKey, LatestFeed] = {}
        self._logs: dict[StreamKey, LogFeed] = {}
        self._layer = get_channel_layer()
        self._groups = LayerGroups(self._layer)
        self._joining = asyncio.Lock()
        self._unflushed: dict[LatestFeed | LogFeed, None] = {}
        self._flush_by = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._looks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to receive; called once, by whoever first needs the Hub."""
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
            ("registry", lambda: registry.report(lambda: self.connections)),
            ("load", loop_lag.measure),
            ("sweep", every(POLL_INTERVAL, self._sweep)),
        ):
            self._tasks.append(self.loop.create_task(supervise(name, run)))

    async def listening(self) -> None:
        """Return once this process hears of revocations, or the layer is known to be away."""
        await self._groups.tried()

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._looks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def register(
        self, connection: Connection, sweep: Sweep, principal: Principal | None, since: float
    ) -> Ending | None:
        """Take a connection in, or learn whose it is; see Roster.add.

        Args:
            since: when its credentials began to be looked up (monotonic seconds).

        Returns what has ended these credentials, or all connections, meanwhile: then nothing was
        taken in, and the caller closes the connection.
        """
        if self.roster.draining:
            return going_away()
        if ending := self.revocations.since(since, principal):
            return ending
        self.roster.add(connection, sweep, principal)
        return None

    async def unregister(self, connection: Connection) -> None:
        """Let a connection go, with all it follows."""
        self.roster.remove(connection)
        self.presence.leave_all(connection.client_id)
        for key in list(connection.latest):
            await self.unfollow_latest(connection, key)
        for key in list(connection.logs):
            await self.unfollow_log(connection, key)

    async def follow_latest(
        self, connection: Connection, topic: LatestTopic, key: StreamKey, selection: Hashable
    ) -> None:
        """Push the newest values of `key` that `selection` picks to `connection`."""
        async with self._joining:
            feed = self._latest.get(key)
            if feed is None:
                await self._groups.join(publish.group_of(key))
                feed = self._latest[key] = LatestFeed(key, topic)
            feed.follow(connection, selection)

    async def unfollow_latest(self, connection: Connection, key: StreamKey) -> None:
        async with self._joining:
            feed = self._latest.get(key)
            if feed is not None:
                feed.unfollow(connection)
                if feed.empty:
                    del self._latest[key]
                    await self._leave_group(key)

    async def follow_logs(
        self, connection: Connection, recover: Mapping[StreamKey, Position | None]
    ) -> dict[StreamKey, tuple[Position, bool]]:
        """Push every event of these streams after the given positions (None: from now on).

        Returns for each the position it goes on from, and whether nothing is missing before that;
        if something is, the caller sends a snapshot. Whatever fails, `connection` then follows
        none of them that it has not followed before.
        """
        feeds = await self._log_feeds(recover)
        for key, position in recover.items():
            feed = feeds[key]
            if position and position.epoch == feed.epoch and position.offset > feed.head:
                await feed.catch_up()  # this process lags behind the one that the client left
        if any(self._logs.get(key) is not feed for key, feed in feeds.items()):
            # The last follower of one of them has gone meanwhile.
            return await self.follow_logs(connection, recover)
        return {key: feeds[key].admit(connection, recover[key]) for key in recover}

    async def _log_feeds(self, keys: Iterable[StreamKey]) -> dict[StreamKey, LogFeed]:
        """The feeds of these streams; those that this process does not follow yet are begun."""
        async with self._joining:
            feeds = {key: self._logs[key] for key in keys if key in self._logs}
            new = [key for key in keys if key not in feeds]
            if not new:
                return feeds
            try:
                # Joined before reading how far they reach: nothing falls between the two.
                for key in new:
                    await self._groups.join(publish.group_of(key))
                extents = await threads.call(streams.extents, new)
            except BaseException:
                for key in new:
                    await self._leave_group(key)
                raise
            begun = {key: LogFeed(key, extents[key]) for key in new}
            self._logs |= begun
        # What came in while they were being begun had no feed to go to.
        look = self.loop.create_task(self._observe(new))
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)
        return feeds | begun

    async def unfollow_log(self, connection: Connection, key: StreamKey) -> None:
        async with self._joining:
            feed = self._logs.get(key)
            if feed is not None:
                feed.dismiss(connection)
                if not feed.members:
                    del self._logs[key]
                    await self._leave_group(key)

    async def _leave_group(self, key: StreamKey) -> None:
        """A stream may have both a log and newest values: they come through one group."""
        if key not in self._latest and key not in self._logs:
            await self._groups.leave(publish.group_of(key))

    async def _receive(self) -> None:
        channel = await self._groups.open()
        while True:
            # Messages that are there already come without the loop turning: the flush that the
            # first of them has scheduled finds them all. The loop turns at least now and then.
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
        key = publish.unpack_key(message["key"])
        if kind == "latest":
            if latest := self._latest.get(key):
                latest.receive(message["payload"])
                self._flush_soon(latest)
        elif kind == "log" and (log := self._logs.get(key)):
            for event in publish.unpack_events(message):
                log.receive(event)
            self._flush_soon(log)

    def _flush_soon(self, feed: LatestFeed | LogFeed) -> None:
        if not self._unflushed:
            self._flush_by = self.loop.time() + GATHER_WITHIN
            self.loop.call_soon(self._flush)
        self._unflushed[feed] = None

    def _flush(self) -> None:
        if publish.is_sending() and self.loop.time() < self._flush_by:
            # More is on its way from this very process; the in-memory layer takes a few turns of
            # the loop for each message.
            self.loop.call_soon(self._flush)
            return
        feeds, self._unflushed = self._unflushed, {}
        for feed in feeds:
            try:
                feed.flush()
            except Exception:
                logger.exception("The stream %s could not be written", feed.key.name)

    async def _drop_unfollowed(self) -> None:
        """Let go of the streams whose last follower was put out by one of their events."""
        if all(feed.members for feed in self._logs.values()) and not any(
            feed.empty for feed in self._latest.values()
        ):
            return
        async with self._joining:
            empty = [key for key, feed in self._logs.items() if not feed.members]
            for key in empty:
                del self._logs[key]
            unfollowed = [key for key, feed in self._latest.items() if feed.empty]
            for key in unfollowed:
                del self._latest[key]
            for key in {*empty, *unfollowed}:
                await self._leave_group(key)

    async def _poll(self) -> None:
        """Find what the layer lost: streams that reach further than this process knows."""
        await self._drop_unfollowed()
        await self._observe(list(self._logs))

    async def _observe(self, keys: Sequence[StreamKey]) -> None:
        """Ask the database how far these streams reach, all in one query."""
        if not keys:
            return
        try:
            extents = await threads.call(streams.extents, keys)
        except (OperationalError, InterfaceError) as error:
            logger.warning("Streams cannot be polled: %s", error)
            return
        for key, extent in extents.items():
            if feed := self._logs.get(key):
                feed.observe(extent)

    async def _touch(self) -> None:
        principals = {c.principal for c in self.connections if c.principal is not None}
        if principals:
            touch = import_string(settings.REALTIME_TOUCH)
            try:
                await threads.call(touch, list(principals))
            except (OperationalError, InterfaceError) as error:
                logger.warning("Nobody's presence can be noted: %s", error)

    async def _sweep(self) -> None:
        now = time.monotonic()
        for sweep in list(self.connections.values()):
            sweep(now)


async def _look_up(shown: Sequence[Credentials]) -> Sequence[Principal | None]:
    return await threads.call(session_authenticator(), shown)


_hub: Hub | None = None


async def get_hub() -> Hub:
    """The Hub of this process, started on first use."""
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
