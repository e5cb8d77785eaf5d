"""Book streams: a snapshot, then updates without a gap, conflated for clients that lag.

The book is kept in the process (streams.book_state). It is loaded once, however many clients
subscribe at the same time, and again after the channel layer has lost something. An update is
encoded once and written to all subscribers that keep up. For one that lags only a number is kept,
the sequence that it has reached; it gets one frame from there to now when it can take it.
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
    """The functions that read the books of an app's streams. Both are synchronous.

    Args:
        load: returns the committed book with its sequence, read in one database snapshot.
        sequences: returns the sequence of each of these books, without reading the books.
    """

    load: Callable[[StreamKey], Book]
    sequences: Callable[[Sequence[StreamKey]], Mapping[StreamKey, int]]


_sources: ByStreamName[BookSource] = ByStreamName("books")


def register(name: str, source: BookSource) -> None:
    """Register the source of a stream's books. Called when Django starts.

    Args:
        name: the stream's name, or a prefix that ends in a colon and covers several streams.
    """
    _sources.add(name, source)


class BookSubscription(Subscription):
    """One connection's subscription to a book; while it lags, `sequence` is the last one it has."""

    __slots__ = ("_lags", "feed", "sequence")

    def __init__(self, feed: BookFeed) -> None:
        self.feed = feed
        self.sequence: int | None = None
        self._lags = True

    @property
    def behind(self) -> bool:
        return self._lags

    def begin_anew(self, connection: Connection) -> None:
        """Send a snapshot next, whatever the connection already has."""
        self.sequence, self._lags = None, True
        connection.pump()

    def miss(self, connection: Connection, sequence: int) -> None:
        """Note that what follows `sequence` is unwritten; it is sent when the peer can take it."""
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
        # Bundles that lead to the current sequence, by the sequence they start from (None: the
        # snapshot).
        self._since: dict[int | None, Bundle] = {}
        self._loading: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        # True if the next book that is loaded replaces this one, and is not a later state of it.
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
        """Write the updates that have arrived to all subscribers that keep up."""
        told, frames = self._state.take_frames()
        if frames:
            for late in self._audience.write(Bundle(frames)):
                self._subscriptions[late].miss(late, told)

    def since(self, sequence: int | None) -> Bundle:
        """Return what brings a client from `sequence` (None: it has no book) to now."""
        # Otherwise the client would get the updates that wait for the flush twice.
        self.flush()
        bundle = self._since.get(sequence)
        if bundle is None:
            bundle = self._since[sequence] = Bundle([self._state.since(sequence)])
        return bundle

    def compare(self, before: int, stored: int) -> None:
        """Reload if `stored`, read when the book was at `before`, shows a loss or a restore."""
        if stored < before:
            # The book holds only what was committed, so a backup must have been restored.
            self._is_another = True
            self._load()
        elif self._state.sequence < self._stored or self._failure is not None:
            # The changes that were stored at the last poll have had the time to arrive.
            self._load()
        self._stored = stored

    def _load(self) -> asyncio.Task[None]:
        """Return the task that loads the book for all who need it; starts it if necessary."""
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
        """Take over a loaded book. Returns false if something was lost in the meantime."""
        if self._is_another:
            self._is_another = False
            self._state = BookState()
            for connection, subscription in self._subscriptions.items():
                subscription.begin_anew(connection)
        complete = self._state.take_over(book)
        self._since.clear()
        self.flush()
        return complete
