"""Feeds: the interface of all kinds of streams. The Hub and its connections know no kind by name.

A feed is one stream within the process: it takes messages from the channel layer as they come, and
writes them to its subscribers when the Hub flushes it, so that all messages that are ready leave in
one write per socket. A new kind is one file, with its own Feed and Subscription
(realtime.fanout.connection), and one line in realtime.fanout.kinds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar

from realtime.fanout.connection import Connection
from realtime.streams.log import StreamKey
from realtime.streams.outbox import Message

Wanted = TypeVar("Wanted")
Answer = TypeVar("Answer")


class Feed(ABC, Generic[Wanted, Answer]):
    """One stream for the connections of this process. Belongs to the event loop's thread.

    `Wanted` is what a subscriber asks for (a selection, a position), `Answer` what it gets back.

    Attributes:
        kind: the `type` of its messages on the channel layer.
        place: its kind and key. A stream may have several kinds; all of them share one group.
        expected: how many subscribers are being prepared; the feed is kept for them.
    """

    kind: ClassVar[str]

    def __init__(self, key: StreamKey) -> None:
        self.key = key
        self.place = (self.kind, key)
        self.expected = 0

    @classmethod
    async def open(cls, keys: Sequence[StreamKey]) -> list[Self]:
        """Create feeds for streams with their first subscribers; their groups are joined already.

        Messages that arrive meanwhile have no feed to go to: the Hub has the feeds observed right
        after.
        """
        return [cls(key) for key in keys]

    @classmethod
    async def observe(cls, feeds: Sequence[Self]) -> None:
        """Find what the channel layer lost of these feeds. Called about once a second.

        Raises:
            OperationalError, InterfaceError: the database is away; the next call tries again.
        """

    async def prepare(self, wanted: Wanted) -> None:
        """Wait until a subscriber that wants this can be added."""

    @property
    @abstractmethod
    def empty(self) -> bool:
        """True if it has no subscribers."""

    @property
    def idle(self) -> bool:
        """True if it has no subscribers and expects none."""
        return self.empty and not self.expected

    @abstractmethod
    def follow(self, connection: Connection, wanted: Wanted) -> Answer:
        """Push this stream to `connection`; replaces its earlier subscription."""

    @abstractmethod
    def unfollow(self, connection: Connection) -> None:
        """Stop pushing to `connection`, if it is subscribed."""

    @abstractmethod
    def receive(self, message: Message) -> None:
        """Take a message of this kind from the channel layer; the next flush writes it."""

    @abstractmethod
    def flush(self) -> None:
        """Write what has arrived to all connections that can take it; note what the others miss."""


AnyFeed = Feed[Any, Any]
