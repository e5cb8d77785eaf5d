"""The kinds of streams, listed only here."""

from __future__ import annotations

from realtime.fanout.book import BookFeed
from realtime.fanout.feeds import AnyFeed
from realtime.fanout.latest import LatestFeed
from realtime.fanout.log import LogFeed

KINDS: dict[str, type[AnyFeed]] = {kind.kind: kind for kind in (LatestFeed, LogFeed, BookFeed)}
