"""Streams of a book: a snapshot, then updates without a gap, conflated for those who lag.

The book is kept in the process (fanout.book_state). It is loaded once, however many begin to
follow it at the same time, and once more after the channel layer has lost something. An update is
encoded once and written to all who keep up; a follower that lags is a number, the sequence that
it has, and gets one frame from there to now when it can take it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.fanout.audience import Audience
from realtime.fanout.connection import Connection, Subscription
from realtime.fanout.feeds import Feed
from realtime.fanout.frames import Bundle
from realtime.fanout.stream_names import ByStreamName
from realtime.streams.book_state import Book, BookState, BookUpdate
from realtime.streams.log import StreamKey
from realtime.streams.outbox import Message

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BookSource:
    """Where the books of an app's streams come from. Both functions are synchronous.

    Args:
        load: the book as it is committed, with its sequence: read in one snapshot of the database.
        sequences: how far each of these books is, without reading the books.
    """

    load: Callable[[StreamKey], Book]
    sequences: Callable[[Sequence[StreamKey]], Mapping[StreamKey, int]]


_sources: ByStreamName[BookSource] = ByStreamName("books")


def register(name: str, source: BookSource) -> None:
    """Say where the books of a stream come from. Called when Django starts.

    Args:
        name: the stream's name, or, with a colon at its end, how the names of several begin.
    """
    _sources.add(name, source)


class BookSubscription(Subscription):
    """One connection that follows a book; `sequence` is what it has while it lags."""

    __slots__ = ("_lags", "feed", "sequence")

    def __init__(self, feed: BookFeed) -> None:
        self.feed = feed
        self.sequence: int | None = None
        self._lags = True

    @property
    def behind(self) -> bool:
        return self._lags

    def begin_anew(self, connection: Connection) -> None:
        """Whatever it has, it gets a snapshot next."""
        self.sequence, self._lags = None, True
        connection.pump()

    def miss(self, connection: Connection, sequence: int) -> None:
        """What follows `sequence` could not be written: it is told when the peer can take it."""
        if self._lags:
            connection.skipped += 1
        else:
            self.sequence, self._lags = sequence, True
        connection.pump()

    async def send_next(self, connection: Connection) -> None:
        if self._lags:
            bundle = self.feed.since(self.sequence)
            self._lags = False
            connection.write(bundle)

    def end(self, connection: Connection) -> None:
        self._lags = False
        self.feed.unfollow(connection)


class BookFeed(Feed[None, None]):
    """One book, for the connections of this process."""

    kind = "book"

    def __init__(self, key: StreamKey) -> None:
        super().__init__(key)
        self._source = _sources.find(key.name)
        self._state = BookState()
        self._audience = Audience()
        self._subscriptions: dict[Connection, BookSubscription] = {}
        # Of the present sequence: the snapshot (None), and what leads there from others.
        self._since: dict[int | None, Bundle] = {}
        self._loading: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        # The book that is loaded next is another one, not a later state of this one.
        self._is_another = False
        self._stored = 0

    @classmethod
    async def observe(cls, feeds: Sequence[Self]) -> None:
        by_source: dict[BookSource, list[Self]] = defaultdict(list)
        for feed in feeds:
            by_source[feed._source].append(feed)
        for source, those in by_source.items():
            before = [feed._state.sequence for feed in those]
            stored = await threads.call(source.sequences, [feed.key for feed in those])
            for feed, sequence in zip(those, before, strict=True):
                if feed.key in stored:
                    feed.compare(sequence, stored[feed.key])

    async def prepare(self, wanted: None) -> None:
        while not self._state.is_loaded:
            await asyncio.shield(self._load())
            if self._failure is not None:
                raise self._failure

    @property
    def empty(self) -> bool:
        return not self._subscriptions

    def follow(self, connection: Connection, wanted: None) -> None:
        subscription = self._subscriptions.get(connection)
        if subscription is None:
            subscription = BookSubscription(self)
            self._subscriptions[connection] = connection.subscriptions[self.place] = subscription
            self._audience.add(connection)
        subscription.begin_anew(connection)

    def unfollow(self, connection: Connection) -> None:
        if self._subscriptions.pop(connection, None) is not None:
            del connection.subscriptions[self.place]
            self._audience.remove(connection)

    def receive(self, message: Message) -> None:
        changes = msgspec.json.decode(message["changes"])
        update = BookUpdate(message["first"], message["last"], changes)
        try:
            complete = self._state.receive(update)
        except Exception:
            logger.exception("An update of %s was not understood", self.key.name)
            self._is_another, complete = True, False
        self._since.clear()
        if not complete:
            self._load()

    def flush(self) -> None:
        """Write the updates that have come to all who keep up."""
        told, frames = self._state.take_frames()
        if frames:
            for late in self._audience.write(Bundle(frames)):
                self._subscriptions[late].miss(late, told)

    def since(self, sequence: int | None) -> Bundle:
        """What brings a client from `sequence` (None: it has no book) to now."""
        # Or it would be told again what has come and waits for the flush.
        self.flush()
        bundle = self._since.get(sequence)
        if bundle is None:
            bundle = self._since[sequence] = Bundle([self._state.since(sequence)])
        return bundle

    def compare(self, before: int, stored: int) -> None:
        """Compare with how far the database was, and the book had been when it was asked."""
        if stored < before:
            # Everything in the book was committed once: a backup has been restored.
            self._is_another = True
            self._load()
        elif self._state.sequence < self._stored or self._failure is not None:
            # What was there a poll ago has had the time to come.
            self._load()
        self._stored = stored

    def _load(self) -> asyncio.Task[None]:
        """Load the book in a task that all who need it share."""
        if self._loading is None:
            self._failure = None
            self._loading = asyncio.get_running_loop().create_task(self._fetch())
        return self._loading

    async def _fetch(self) -> None:
        try:
            while not self._take_over(await threads.call(self._source.load, self.key)):
                pass
        except DATABASE_AWAY as error:
            logger.warning("The book %s cannot be loaded: %s", self.key.name, error)
            self._failure = error
        except Exception as error:
            logger.exception("The book %s cannot be loaded", self.key.name)
            self._failure = error
        finally:
            self._loading = None

    def _take_over(self, book: Book) -> bool:
        """Returns false if something was lost meanwhile."""
        if self._is_another:
            self._is_another = False
            self._state = BookState()
            for connection, subscription in self._subscriptions.items():
                subscription.begin_anew(connection)
        complete = self._state.take_over(book)
        self._since.clear()
        self.flush()
        return complete
