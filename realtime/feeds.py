"""One stream within the process: from the channel layer to the sockets that follow it.

A latest feed encodes a value once per distinct selection and skips sockets that lag. A log feed
knows how far the stream reaches, keeps its newest events in a ring, and fills every hole from the
database by offset.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Hashable

import msgspec
from django.db import InterfaceError, OperationalError

from realtime import streams, threads
from realtime.connection import Connection, LatestTopic, LogSubscription
from realtime.frames import Encoded
from realtime.protocol import Position, with_fields
from realtime.streams import Appended, Extent, StreamKey

logger = logging.getLogger(__name__)

RING = 2000


class LatestFeed:
    """The newest value of one stream, for the connections of this process."""

    def __init__(self, key: StreamKey, topic: LatestTopic) -> None:
        self.key = key
        self.topic = topic
        self._selections: dict[Hashable, set[Connection]] = {}

    def follow(self, connection: Connection, selection: Hashable) -> None:
        """Send `connection` what `selection` picks; replaces its earlier selection."""
        self.unfollow(connection)
        self._selections.setdefault(selection, set()).add(connection)
        connection.latest[self.key] = (self, selection)

    def unfollow(self, connection: Connection) -> None:
        followed = connection.latest.pop(self.key, None)
        if followed is None:
            return
        connection.forget(self)
        _, selection = followed
        members = self._selections[selection]
        members.discard(connection)
        if not members:
            del self._selections[selection]

    @property
    def empty(self) -> bool:
        return not self._selections

    def deliver(self, encoded_payload: bytes) -> None:
        """One value from the layer: encoded once per selection, written to all who can take it."""
        payload = msgspec.json.decode(encoded_payload)
        for selection, members in self._selections.items():
            frame: Encoded | None = None
            for connection in members:
                if not connection.ready:
                    connection.miss(self, payload)
                    continue
                if frame is None:
                    text = self.topic.render(payload, selection)
                    if text is None:
                        break
                    frame = Encoded(text)
                connection.write([frame])


class LogFeed:
    """One log stream: its head as this process knows it, and who follows it how far."""

    def __init__(self, key: StreamKey, extent: Extent) -> None:
        self.key = key
        self.epoch = extent.epoch
        self.head = extent.head
        self.floor = extent.floor
        self.members: set[Connection] = set()
        self._ring: deque[tuple[int, Encoded]] = deque(maxlen=RING)
        self._lock = asyncio.Lock()
        self._filler: asyncio.Task[None] | None = None
        self._behind = False

    def receive(self, event: Appended) -> None:
        """An event from the layer: the next one is delivered, a later one shows a hole."""
        if event.epoch == self.epoch and event.offset == self.head + 1 and not self._lock.locked():
            self._deliver(event)
        elif event.epoch != self.epoch or event.offset > self.head:
            self.schedule_catch_up()

    def schedule_catch_up(self) -> None:
        """Catch up in a task, so that other streams need not wait for the database."""
        self._behind = True
        if self._filler is None:
            self._filler = asyncio.get_running_loop().create_task(self._fill())

    async def catch_up(self, extent: Extent | None = None) -> None:
        """Read what the stream has grown by from the database and deliver it."""
        async with self._lock:
            if extent is None:
                extent = (await threads.call(streams.extents, [self.key]))[self.key]
            if extent.epoch != self.epoch:
                self._restart(extent)
            self.floor = extent.floor
            while self.head < extent.head:
                events = await threads.call(streams.replay, self.key, self.epoch, self.head)
                if not events:
                    return
                for event in events:
                    self._deliver(event)
                await asyncio.sleep(0)

    def admit(self, connection: Connection, recover: Position | None) -> tuple[Position, bool]:
        """Let `connection` follow from `recover`, or from now on.

        Returns where it goes on from, and whether nothing is missing before that.
        """
        recovered = (
            recover is not None
            and recover.epoch == self.epoch
            and self.floor <= recover.offset <= self.head
        )
        offset = recover.offset if recovered and recover is not None else self.head
        connection.logs[self.key] = LogSubscription(self, offset)
        self.members.add(connection)
        return Position(self.epoch, offset), recovered

    def dismiss(self, connection: Connection) -> None:
        self.members.discard(connection)
        connection.logs.pop(self.key, None)

    async def send_next(self, connection: Connection, subscription: LogSubscription) -> None:
        """Write the next batch that `connection` has not had: from the ring, or the database."""
        oldest = self._ring[0][0] if self._ring else self.head + 1
        if subscription.position + 1 < oldest:
            rows = await threads.call(streams.replay, self.key, self.epoch, subscription.position)
            batch = [(row.offset, self._frame(row)) for row in rows]
        else:
            start = subscription.position + 1 - oldest
            stop = min(len(self._ring), start + streams.REPLAY_BATCH)
            batch = [self._ring[index] for index in range(start, stop)]
        if not batch:
            connection.write([self._unrecoverable(subscription.position)])
            subscription.position = self.head
            return
        connection.write([frame for _, frame in batch])
        subscription.position = batch[-1][0]

    def _deliver(self, event: Appended) -> None:
        frame = self._frame(event)
        self.head = event.offset
        self._ring.append((event.offset, frame))
        for connection in self.members:
            subscription = connection.logs[self.key]
            if connection.ready and subscription.position == event.offset - 1:
                connection.write([frame])
                subscription.position = event.offset
            else:
                connection.pump()

    def _frame(self, event: Appended) -> Encoded:
        place = {"stream": self.key.name, "epoch": event.epoch, "offset": event.offset}
        return Encoded(with_fields(event.payload.encode(), place))

    def _unrecoverable(self, position: int) -> Encoded:
        """What a subscriber is told when retention has overtaken it: it needs a new snapshot."""
        error = {
            "type": "error",
            "code": "unrecoverable_position",
            "message": f"Events after {position} are gone: subscribe again for a snapshot.",
            "stream": self.key.name,
            "epoch": self.epoch,
            "offset": self.head,
        }
        return Encoded(msgspec.json.encode(error))

    async def _fill(self) -> None:
        try:
            while self._behind:
                self._behind = False
                await self.catch_up()
        except (OperationalError, InterfaceError) as error:
            # The Hub's poll tries again within a second.
            logger.warning("Could not catch up on %s: %s", self.key.name, error)
        finally:
            self._filler = None

    def _restart(self, extent: Extent) -> None:
        """The stream has a new epoch (a restored database): offsets start anew for everybody."""
        self.epoch, self.floor = extent.epoch, extent.floor
        self.head = extent.floor
        self._ring.clear()
        for connection in self.members:
            connection.logs[self.key].position = extent.floor
