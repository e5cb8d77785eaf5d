"""The number beside a page's name: from the server when a page opens, live from then on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from django.utils.functional import Promise

from realtime.auth import Principal

MOST_SHOWN = 99


class Tone(StrEnum):
    """The urgency of a number: unread items, items that address the user, or firing alerts."""

    PLAIN = "plain"
    ACCENT = "accent"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Count:
    """A number and its tone. Zero is not shown."""

    number: int
    tone: Tone = Tone.PLAIN

    @property
    def text(self) -> str:
        return f"{MOST_SHOWN}+" if self.number > MOST_SHOWN else str(self.number)


NOTHING = Count(0)


@dataclass(frozen=True)
class Badge:
    """The counter of a page.

    Args:
        key: the name under which the front end sets it: `setBadge(key, …)` of lib/badges.ts.
            Pages with the same key show the same number.
        meaning: what a screen reader says after the number, such as "unread".
        count: the number for a member when a page opens; may read the database.
    """

    key: str
    meaning: str | Promise
    count: Callable[[Principal], Count]


@dataclass(frozen=True)
class ShownBadge:
    """A badge for one person, counted when a template first asks."""

    badge: Badge
    principal: Principal | None

    @property
    def key(self) -> str:
        return self.badge.key

    @property
    def meaning(self) -> str:
        return str(self.badge.meaning)

    @cached_property
    def count(self) -> Count:
        return NOTHING if self.principal is None else self.badge.count(self.principal)
