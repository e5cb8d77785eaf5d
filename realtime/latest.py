"""Streams of which only the newest value matters.

A value is encoded once per distinct selection. A socket that lags skips values: what it missed is
merged into one, and written when it can take it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import msgspec

from realtime.audience import Audience
from realtime.connection import Connection, Subscription
from realtime.feeds import Feed
from realtime.frames import Bundle
from realtime.publish import Message
from realtime.streams import StreamKey


@dataclass(frozen=True)
class LatestTopic:
    """What a kind of latest stream looks like on the wire.

    Args:
        render: (payload, selection) → the JSON frame for a subscriber of that selection, or
            several, or None when nothing of it was selected.
        merge: (older payload, newer payload) → the one payload that stands for both.
    """

    render: Callable[[Any, Any], bytes | list[bytes] | None]
    merge: Callable[[Any, Any], Any]

    def frames(self, payload: Any, selection: Any) -> list[bytes]:
        """What `render` makes of a payload, as a list."""
        rendered = self.render(payload, selection)
        if isinstance(rendered, bytes):
            return [rendered]
        return rendered or []


class LatestSubscription(Subscription):
    """What one connection has selected of a latest stream, and what it has missed of that."""

    __slots__ = ("_missed", "feed", "selection")

    def __init__(self, feed: LatestFeed, selection: Hashable) -> None:
        self.feed = feed
        self.selection = selection
        self._missed: Any = None

    @property
    def behind(self) -> bool:
        return self._missed is not None

    def miss(self, connection: Connection, payload: Any) -> None:
        """This value cannot be written now: keep only what is newest until it can."""
        if self._missed is None:
            self._missed = payload
        else:
            self._missed = self.feed.merge(self._missed, payload)
            connection.skipped += 1
        connection.pump()

    async def send_next(self, connection: Connection) -> None:
        payload, self._missed = self._missed, None
        if frames := self.feed.frames(payload, self.selection):
            connection.write(Bundle(frames))

    def end(self, connection: Connection) -> None:
        self.feed.unfollow(connection)


class LatestFeed(Feed[tuple[LatestTopic, Hashable], None]):
    """The newest value of one stream, for the connections of this process."""

    kind = "latest"

    def __init__(self, key: StreamKey) -> None:
        super().__init__(key)
        self._topic: LatestTopic | None = None
        self._audiences: dict[Hashable, Audience] = {}
        self._subscriptions: dict[Connection, LatestSubscription] = {}
        self._waiting: list[Any] = []

    @property
    def empty(self) -> bool:
        return not self._subscriptions

    def follow(self, connection: Connection, wanted: tuple[LatestTopic, Hashable]) -> None:
        self.unfollow(connection)
        topic, selection = wanted
        self._topic = self._topic or topic
        self._audiences.setdefault(selection, Audience()).add(connection)
        subscription = LatestSubscription(self, selection)
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
        """Write what has come: encoded once per selection, to all who can take it."""
        payloads, self._waiting = self._waiting, []
        if not payloads:
            return
        newest: Any = None
        for selection, audience in self._audiences.items():
            bundle = Bundle(
                [frame for payload in payloads for frame in self.frames(payload, selection)]
            )
            if not bundle:
                continue
            for late in audience.write(bundle):
                newest = newest or reduce(self.merge, payloads)
                self._subscriptions[late].miss(late, newest)

    def merge(self, older: Any, newer: Any) -> Any:
        assert self._topic is not None
        return self._topic.merge(older, newer)

    def frames(self, payload: Any, selection: Hashable) -> list[bytes]:
        assert self._topic is not None
        return self._topic.frames(payload, selection)
