"""The kinds of streams that there are: the one place that lists them."""

from __future__ import annotations

from realtime.book import BookFeed
from realtime.feeds import AnyFeed
from realtime.latest import LatestFeed
from realtime.log import LogFeed

KINDS: dict[str, type[AnyFeed]] = {kind.kind: kind for kind in (LatestFeed, LogFeed, BookFeed)}
