"""Log streams: every subscriber gets every event, in order.

A feed knows the head of its stream, keeps the newest events in a ring buffer, and fills every gap
from the database by offset.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from itertools import accumulate, islice
from typing import Self

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.fanout import broadcast
from realtime.fanout.connection import Connection, Subscription
from realtime.fanout.feeds import Feed
from realtime.fanout.frames import Bundle
from realtime.messages import Unrecoverable
from realtime.protocol import Position, with_fields
from realtime.streams import exits, log, retractions
from realtime.streams.log import Appended, Extent, StreamKey
from realtime.streams.outbox import Message
from realtime.streams.publish import unpack_events

logger = logging.getLogger(__name__)

RING = 2000
# A peer that was away is sent about this many bytes before checking whether it keeps up.
MAX_BATCH_BYTES = 256 * 1024


class LogSubscription(Subscription):
    """One connection's subscription to a log: `position` is the last offset written to it."""

    __slots__ = ("feed", "position")
    lossless = True

    def __init__(self, feed: LogFeed, position: int) -> None:
        self.feed = feed
        self.position = position

    @property
    def offset(self) -> int:
        return self.position

    @property
    def behind(self) -> bool:
        return self.position < self.feed.head

    async def send_next(self, connection: Connection) -> None:
        await self.feed.send_next(connection, self)

    def end(self, connection: Connection) -> None:
        self.feed.unfollow(connection)


class LogFeed(Feed[Position | None, tuple[Position, bool]]):
    """One log stream: its head as this process knows it, and the positions of its subscribers.

    A subscriber asks for the position to resume from (None: from now on). The answer is the
    position it does resume from, and whether nothing is missing before that; if something is, its
    consumer sends a snapshot.
    """

    kind = "log"

    def __init__(self, key: StreamKey, extent: Extent) -> None:
        super().__init__(key)
        self.epoch = extent.epoch
        self.head = extent.head
        self.floor = extent.floor
        self._subscriptions: dict[Connection, LogSubscription] = {}
        # The newest messages; the last one is that of `head`.
        self._ring: deque[bytes] = deque(maxlen=RING)
        self._flushed = extent.head
        self._ended_by = exits.reader_for(key.name)
        self._retracting = retractions.beginnings_for(key.name)
        self._lock = asyncio.Lock()
        self._filler: asyncio.Task[None] | None = None
        self._behind = False

    @classmethod
    async def open(cls, keys: Sequence[StreamKey]) -> list[Self]:
        # The groups were joined before the extents are read, so no event falls between the two.
        extents = await threads.call(log.extents, keys)
        return [cls(key, extents[key]) for key in keys]

    @classmethod
    async def observe(cls, feeds: Sequence[Self]) -> None:
        extents = await threads.call(log.extents, [feed.key for feed in feeds])
        for feed in feeds:
            if feed.key in extents:
                feed.compare(extents[feed.key])

    async def prepare(self, wanted: Position | None) -> None:
        if wanted is not None and wanted.epoch == self.epoch and wanted.offset > self.head:
            await self.catch_up()  # this process lags behind the one that the client left

    @property
    def empty(self) -> bool:
        return not self._subscriptions

    def receive(self, message: Message) -> None:
        for event in unpack_events(message):
            self._take(event)

    def _take(self, event: Appended) -> None:
        """Keep the next event for the flush; a later one reveals a gap."""
        if event.epoch == self.epoch and event.offset == self.head + 1 and not self._lock.locked():
            self._append(event)
        elif event.epoch != self.epoch or event.offset > self.head:
            self.schedule_catch_up()

    def compare(self, extent: Extent) -> None:
        """Compare with the extent in the database: take over its floor, catch up with its head."""
        if extent.epoch == self.epoch:
            self.floor = extent.floor
        if extent.epoch != self.epoch or extent.head > self.head:
            self.schedule_catch_up()

    def schedule_catch_up(self) -> None:
        """Catch up in a task, so that other streams do not wait for the database."""
        self._behind = True
        if self._filler is None:
            self._filler = asyncio.get_running_loop().create_task(self._fill())

    async def catch_up(self) -> None:
        """Read the new events of the stream from the database and deliver them."""
        async with self._lock:
            extent = (await threads.call(log.extents, [self.key]))[self.key]
            if extent.epoch != self.epoch:
                self._restart(extent)
            self.floor = extent.floor
            while self.head < extent.head:
                events = await threads.call(log.replay, self.key, self.epoch, self.head)
                if not events:
                    return
                for event in events:
                    self._append(event)
                self.flush()
                await asyncio.sleep(0)

    def flush(self) -> None:
        """Write new events to subscribers that were up to date; the others catch up separately."""
        before, self._flushed = self._flushed, self.head
        if before == self.head:
            return
        current: list[Connection] = []
        behind: list[Connection] = []
        for connection, subscription in self._subscriptions.items():
            (current if subscription.position == before else behind).append(connection)
        if messages := self._newest(self.head - before):
            late = broadcast.write(current, Bundle(messages))
            for connection in current:
                self._subscriptions[connection].position = self.head
            for connection in late:
                self._subscriptions[connection].position = before
            behind += late
        else:
            behind += current  # more events have come than the ring holds
        for connection in behind:
            if self._subscriptions[connection].behind:
                connection.pump()

    def follow(self, connection: Connection, wanted: Position | None) -> tuple[Position, bool]:
        recovered = (
            wanted is not None
            and wanted.epoch == self.epoch
            and self.floor <= wanted.offset <= self.head
        )
        offset = wanted.offset if recovered and wanted is not None else self.head
        subscription = LogSubscription(self, offset)
        self._subscriptions[connection] = connection.subscriptions[self.place] = subscription
        return Position(self.epoch, offset), recovered

    def unfollow(self, connection: Connection) -> None:
        if self._subscriptions.pop(connection, None) is not None:
            del connection.subscriptions[self.place]

    async def send_next(self, connection: Connection, subscription: LogSubscription) -> None:
        """Write the next batch that `connection` lacks, from the ring or the database."""
        behind = self.head - subscription.position
        if behind <= len(self._ring):
            messages = self._newest(behind)[: log.REPLAY_BATCH]
        else:
            messages = await self._replay(connection, subscription.position)
        if self._subscriptions.get(connection) is not subscription:
            return  # it unsubscribed, or subscribed again, during the query
        if messages:
            messages = _within(MAX_BATCH_BYTES, messages)
            connection.write(Bundle(messages))
            subscription.position += len(messages)
        else:
            connection.write(self._unrecoverable(subscription.position))
            subscription.position = self.head

    async def _replay(self, connection: Connection, after: int) -> list[bytes]:
        """Return the next messages after this offset; none once retention has removed the first."""
        wanted = (self.key, self.epoch, after)
        if connection.principal is None:
            events = await threads.call(log.replay, *wanted)
        else:
            events = await threads.wait_for(connection.principal.user_id, log.replay, *wanted)
        if not events or events[0].offset != after + 1:
            return []
        return [self._message(event) for event in events]

    def _append(self, event: Appended) -> None:
        if self._ended_by is not None and (out := self._ended_by(event.payload)) is not None:
            self.flush()  # those who are put out still get the earlier events
            self._put_out(out, event.payload)
        if event.offset != self.head + 1:
            self._ring.clear()  # retention has removed the events in between
        if event.payload.startswith(self._retracting):
            # Clients that catch up now read from the database, where the retracted text is gone.
            self.flush()
            self._ring.clear()
        self.head = event.offset
        self._ring.append(self._message(event))

    def _put_out(self, user_id: int, payload: str) -> None:
        """End the subscriptions of this user, or of EVERYBODY."""
        for connection in list(self._subscriptions):
            who = connection.principal
            if user_id == exits.EVERYBODY or (who is not None and who.user_id == user_id):
                self.unfollow(connection)
                connection.put_out(self.key, payload)

    def _newest(self, count: int) -> list[bytes]:
        """Return the last `count` messages, oldest first; none if the ring lacks any of them."""
        if count > len(self._ring):
            return []
        return list(islice(self._ring, len(self._ring) - count, None))

    def _message(self, event: Appended) -> bytes:
        place = {"stream": self.key.name, "epoch": event.epoch, "offset": event.offset}
        return with_fields(event.payload.encode(), place)

    def _unrecoverable(self, position: int) -> Bundle:
        """Return the error for a subscriber overtaken by retention: it needs a new snapshot."""
        error = Unrecoverable(
            code="unrecoverable_position",
            message=f"Events after {position} are gone: subscribe again for a snapshot.",
            stream=self.key.name,
            epoch=self.epoch,
            offset=self.head,
        )
        return Bundle([error.encode()])

    async def _fill(self) -> None:
        try:
            while self._behind:
                self._behind = False
                await self.catch_up()
        except DATABASE_AWAY as error:
            # The Hub's poll tries again within a second.
            logger.warning("Could not catch up on %s: %s", self.key.name, error)
        finally:
            self._filler = None

    def _restart(self, extent: Extent) -> None:
        """Start over in a new epoch (a restored database): offsets restart for all subscribers."""
        self.epoch, self.floor = extent.epoch, extent.floor
        self.head = self._flushed = extent.floor
        self._ring.clear()
        for subscription in self._subscriptions.values():
            subscription.position = extent.floor


def _within(size: int, messages: list[bytes]) -> list[bytes]:
    """Return as many of the first messages as fit in `size` bytes, and at least one."""
    ends = accumulate(map(len, messages))
    return messages[: max(1, sum(end <= size for end in ends))]
