"""What all kinds of streams have in common: the Hub and its connections know none by its name.

A feed is one stream within the process: it takes messages from the channel layer as they come,
and writes them to the sockets that follow it when the Hub flushes it: what is ready together
leaves in one write per socket. A new kind is one file, with a Feed and a Subscription of its own
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

    `Wanted` is what a follower asks for (a selection, a position), `Answer` what it is told.

    Attributes:
        kind: the `type` of its messages on the channel layer.
        place: its kind and key. A stream may be of several kinds; all come through one group.
        expected: how many followers are being prepared for; it is kept for them.
    """

    kind: ClassVar[str]

    def __init__(self, key: StreamKey) -> None:
        self.key = key
        self.place = (self.kind, key)
        self.expected = 0

    @classmethod
    async def open(cls, keys: Sequence[StreamKey]) -> list[Self]:
        """Make the feeds of streams with their first followers; their groups are joined already.

        What comes in meanwhile has no feed to go to: the Hub has them observed right after.
        """
        return [cls(key) for key in keys]

    @classmethod
    async def observe(cls, feeds: Sequence[Self]) -> None:
        """Find what the channel layer lost of these feeds. Called about once a second.

        Raises:
            OperationalError, InterfaceError: the database is away; it is asked again.
        """

    async def prepare(self, wanted: Wanted) -> None:
        """Wait for what must be there before a follower that wants this is taken in."""

    @property
    @abstractmethod
    def empty(self) -> bool:
        """Whether nobody follows it."""

    @property
    def idle(self) -> bool:
        """Whether nobody follows it or is about to."""
        return self.empty and not self.expected

    @abstractmethod
    def follow(self, connection: Connection, wanted: Wanted) -> Answer:
        """Push this stream to `connection`; replaces its earlier subscription."""

    @abstractmethod
    def unfollow(self, connection: Connection) -> None:
        """Push nothing more to `connection`, if it follows at all."""

    @abstractmethod
    def receive(self, message: Message) -> None:
        """Take a message of this kind from the channel layer; it goes out with the next flush."""

    @abstractmethod
    def flush(self) -> None:
        """Write what has come to all who can take it; note what the others miss."""


AnyFeed = Feed[Any, Any]
