"""Latest streams: only the newest value matters.

A value is encoded once per distinct selection. A socket that lags skips values: those it missed are
merged into one, which is written when the socket can take it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import reduce
from typing import Any, Protocol

import msgspec

from realtime.fanout.audience import Audience
from realtime.fanout.connection import Connection, Subscription
from realtime.fanout.feeds import Feed
from realtime.fanout.frames import Bundle
from realtime.fanout.stream_names import ByStreamName
from realtime.streams.log import StreamKey
from realtime.streams.outbox import Message

# (older payload, newer payload) → one payload that stands for both.
Merge = Callable[[Any, Any], Any]

_merges: ByStreamName[Merge] = ByStreamName("merges of newest values")


def register(name: str, merge: Merge) -> None:
    """Register how two payloads of a latest stream are merged. Called when Django starts.

    Args:
        name: the stream's name, or a prefix that ends in a colon and covers several streams.
        merge: must leave both payloads unchanged.
    """
    _merges.add(name, merge)


class Selection(Hashable, Protocol):
    """The part of a latest stream that a subscriber wants. Equal selections share each frame."""

    def frames(self, payload: Any) -> Sequence[bytes]:
        """Return the JSON frames of a payload for this selection; none if it selects nothing."""


class LatestSubscription(Subscription):
    """One connection's selection of a latest stream, and the values that it has missed, merged."""

    __slots__ = ("_missed", "feed", "selection")

    def __init__(self, feed: LatestFeed, selection: Selection) -> None:
        self.feed = feed
        self.selection = selection
        self._missed: Any = None

    @property
    def behind(self) -> bool:
        return self._missed is not None

    def miss(self, connection: Connection, newest: _Newest) -> None:
        """Keep a value that cannot be written now, merged with those missed before."""
        connection.skipped += self._missed is not None
        self._missed = newest.after(self._missed)
        connection.pump()

    async def send_next(self, connection: Connection) -> None:
        payload, self._missed = self._missed, None
        if frames := self.selection.frames(payload):
            connection.write(Bundle(frames))

    def end(self, connection: Connection) -> None:
        self.feed.unfollow(connection)


class _Newest:
    """A value that some connections cannot take now. Those that missed the same share one merge."""

    def __init__(self, payload: Any, merge: Merge) -> None:
        self._payload = payload
        self._merge = merge
        # Keeps each missed payload alive, so that its id is not reused.
        self._merged: dict[int, tuple[Any, Any]] = {}

    def after(self, missed: Any) -> Any:
        """Return the payload that stands for `missed` (None: nothing) and this value."""
        if missed is None:
            return self._payload
        if id(missed) not in self._merged:
            self._merged[id(missed)] = (missed, self._merge(missed, self._payload))
        return self._merged[id(missed)][1]


class LatestFeed(Feed[Selection, None]):
    """The newest value of one stream, for the connections of this process."""

    kind = "latest"

    def __init__(self, key: StreamKey) -> None:
        super().__init__(key)
        self.merge = _merges.find(key.name)
        self._audiences: dict[Selection, Audience] = {}
        self._subscriptions: dict[Connection, LatestSubscription] = {}
        self._waiting: list[Any] = []

    @property
    def empty(self) -> bool:
        return not self._subscriptions

    def follow(self, connection: Connection, wanted: Selection) -> None:
        self.unfollow(connection)
        self._audiences.setdefault(wanted, Audience()).add(connection)
        subscription = LatestSubscription(self, wanted)
        self._subscriptions[connection] = connection.subscriptions[self.place] = subscription

    def unfollow(self, connection: Connection) -> None:
        subscription = self._subscriptions.pop(connection, None)
        if subscription is None:
            return
        del connection.subscriptions[self.place]
        audience = self._audiences[subscription.selection]
        audience.remove(connection)
        if not audience:
            del self._audiences[subscription.selection]

    def receive(self, message: Message) -> None:
        self._waiting.append(msgspec.json.decode(message["payload"]))

    def flush(self) -> None:
        """Write what has arrived: encoded once per selection, to all that can take it."""
        payloads, self._waiting = self._waiting, []
        if not payloads:
            return
        newest: _Newest | None = None
        for selection, audience in self._audiences.items():
            bundle = Bundle([frame for payload in payloads for frame in selection.frames(payload)])
            if not bundle:
                continue
            for late in audience.write(bundle):
                newest = newest or _Newest(reduce(self.merge, payloads), self.merge)
                self._subscriptions[late].miss(late, newest)
