"""One stream within the process: from the channel layer to the sockets that follow it.

A latest feed encodes a value once per distinct selection and skips sockets that lag. A log feed
knows how far the stream reaches, keeps its newest events in a ring, and fills every hole from the
database by offset. Either takes messages as they come and writes them when the Hub flushes it:
what is ready together leaves in one write per socket.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Hashable
from functools import reduce
from itertools import accumulate, islice
from typing import Any

import msgspec

from realtime import broadcast, exits, retractions, streams, threads
from realtime.audience import Audience
from realtime.connection import Connection, LatestTopic, LogSubscription
from realtime.frames import Bundle
from realtime.protocol import Position, with_fields
from realtime.streams import Appended, Extent, StreamKey
from realtime.threads import DATABASE_AWAY

logger = logging.getLogger(__name__)

RING = 2000
# A peer that was away is sent about so much before it is seen whether it keeps up.
MAX_BATCH_BYTES = 256 * 1024


class LatestFeed:
    """The newest value of one stream, for the connections of this process."""

    def __init__(self, key: StreamKey, topic: LatestTopic) -> None:
        self.key = key
        self.topic = topic
        self._selections: dict[Hashable, Audience] = {}
        self._waiting: list[Any] = []

    def follow(self, connection: Connection, selection: Hashable) -> None:
        """Send `connection` what `selection` picks; replaces its earlier selection."""
        self.unfollow(connection)
        self._selections.setdefault(selection, Audience()).add(connection)
        connection.latest[self.key] = (self, selection)

    def unfollow(self, connection: Connection) -> None:
        followed = connection.latest.pop(self.key, None)
        if followed is None:
            return
        connection.forget(self)
        _, selection = followed
        audience = self._selections[selection]
        audience.remove(connection)
        if not audience:
            del self._selections[selection]

    @property
    def empty(self) -> bool:
        return not self._selections

    def receive(self, encoded_payload: bytes) -> None:
        """One value from the layer; it goes out with the next flush."""
        self._waiting.append(msgspec.json.decode(encoded_payload))

    def flush(self) -> None:
        """Write what has come: encoded once per selection, to all who can take it."""
        payloads, self._waiting = self._waiting, []
        if not payloads:
            return
        newest: Any = None
        for selection, audience in self._selections.items():
            bundle = self._bundle(payloads, selection)
            if not bundle:
                continue
            for late in audience.write(bundle):
                newest = newest or reduce(self.topic.merge, payloads)
                late.miss(self, newest)

    def _bundle(self, payloads: list[Any], selection: Hashable) -> Bundle:
        return Bundle(
            [frame for payload in payloads for frame in self.topic.frames(payload, selection)]
        )


class LogFeed:
    """One log stream: its head as this process knows it, and who follows it how far."""

    def __init__(self, key: StreamKey, extent: Extent) -> None:
        self.key = key
        self.epoch = extent.epoch
        self.head = extent.head
        self.floor = extent.floor
        self.members: set[Connection] = set()
        # The newest messages; the last one is that of `head`.
        self._ring: deque[bytes] = deque(maxlen=RING)
        self._flushed = extent.head
        self._ended_by = exits.reader_for(key.name)
        self._retracting = retractions.beginnings_for(key.name)
        self._lock = asyncio.Lock()
        self._filler: asyncio.Task[None] | None = None
        self._behind = False

    def receive(self, event: Appended) -> None:
        """An event from the layer: the next one is kept for the flush, a later one shows a hole."""
        if event.epoch == self.epoch and event.offset == self.head + 1 and not self._lock.locked():
            self._append(event)
        elif event.epoch != self.epoch or event.offset > self.head:
            self.schedule_catch_up()

    def observe(self, extent: Extent) -> None:
        """What the database says now: what has gone at the beginning, and what is new."""
        if extent.epoch == self.epoch:
            self.floor = extent.floor
        if extent.epoch != self.epoch or extent.head > self.head:
            self.schedule_catch_up()

    def schedule_catch_up(self) -> None:
        """Catch up in a task, so that other streams need not wait for the database."""
        self._behind = True
        if self._filler is None:
            self._filler = asyncio.get_running_loop().create_task(self._fill())

    async def catch_up(self) -> None:
        """Read what the stream has grown by from the database and deliver it."""
        async with self._lock:
            extent = (await threads.call(streams.extents, [self.key]))[self.key]
            if extent.epoch != self.epoch:
                self._restart(extent)
            self.floor = extent.floor
            while self.head < extent.head:
                events = await threads.call(streams.replay, self.key, self.epoch, self.head)
                if not events:
                    return
                for event in events:
                    self._append(event)
                self.flush()
                await asyncio.sleep(0)

    def flush(self) -> None:
        """Write what has come to those who were up to date; the others read on by themselves."""
        before, self._flushed = self._flushed, self.head
        if before == self.head:
            return
        current: list[Connection] = []
        behind: list[Connection] = []
        for connection in self.members:
            (current if connection.logs[self.key].position == before else behind).append(connection)
        if messages := self._newest(self.head - before):
            late = broadcast.write(current, Bundle(messages))
            for connection in current:
                connection.logs[self.key].position = self.head
            for connection in late:
                connection.logs[self.key].position = before
            behind += late
        else:
            behind += current  # more has come than the ring holds
        for connection in behind:
            if connection.logs[self.key].position < self.head:
                connection.pump()

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
        behind = self.head - subscription.position
        if behind <= len(self._ring):
            messages = self._newest(behind)[: streams.REPLAY_BATCH]
        else:
            messages = await self._replay(subscription.position)
        if connection.logs.get(self.key) is not subscription:
            return  # it unsubscribed, or began anew, while the database answered
        if messages:
            messages = _within(MAX_BATCH_BYTES, messages)
            connection.write(Bundle(messages))
            subscription.position += len(messages)
        else:
            connection.write(self._unrecoverable(subscription.position))
            subscription.position = self.head

    async def _replay(self, after: int) -> list[bytes]:
        """The next messages after this offset; none once retention has removed the first."""
        events = await threads.call(streams.replay, self.key, self.epoch, after)
        if not events or events[0].offset != after + 1:
            return []
        return [self._message(event) for event in events]

    def _append(self, event: Appended) -> None:
        if self._ended_by is not None and (out := self._ended_by(event.payload)) is not None:
            self.flush()  # what was before is still theirs
            self._put_out(out, event.payload)
        if event.offset != self.head + 1:
            self._ring.clear()  # retention has removed what was between
        if event.payload.startswith(self._retracting):
            # What is read from here on comes from the database, without what was taken back.
            self.flush()
            self._ring.clear()
        self.head = event.offset
        self._ring.append(self._message(event))

    def _put_out(self, user_id: int, payload: str) -> None:
        """End the subscriptions of this user, or of EVERYBODY."""
        for connection in list(self.members):
            who = connection.principal
            if user_id == exits.EVERYBODY or (who is not None and who.user_id == user_id):
                self.dismiss(connection)
                connection.put_out(self.key, payload)

    def _newest(self, count: int) -> list[bytes]:
        """The last `count` messages, oldest first; none if the ring no longer has them all."""
        if count > len(self._ring):
            return []
        return list(islice(self._ring, len(self._ring) - count, None))

    def _message(self, event: Appended) -> bytes:
        place = {"stream": self.key.name, "epoch": event.epoch, "offset": event.offset}
        return with_fields(event.payload.encode(), place)

    def _unrecoverable(self, position: int) -> Bundle:
        """What a subscriber is told when retention has overtaken it: it needs a new snapshot."""
        error = {
            "type": "error",
            "code": "unrecoverable_position",
            "message": f"Events after {position} are gone: subscribe again for a snapshot.",
            "stream": self.key.name,
            "epoch": self.epoch,
            "offset": self.head,
        }
        return Bundle([msgspec.json.encode(error)])

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
        """The stream has a new epoch (a restored database): offsets start anew for everybody."""
        self.epoch, self.floor = extent.epoch, extent.floor
        self.head = self._flushed = extent.floor
        self._ring.clear()
        for connection in self.members:
            connection.logs[self.key].position = extent.floor


def _within(size: int, messages: list[bytes]) -> list[bytes]:
    """As many of the first as have `size` bytes together, and at least one."""
    ends = accumulate(map(len, messages))
    return messages[: max(1, sum(end <= size for end in ends))]
