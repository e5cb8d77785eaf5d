"""Search queries: parsing, and excerpts of the texts that match. Pure.

A query has words and "phrases", each of which a message must contain, in any script and any case,
and filters: in:room from:name before:day after:day on:day has:file|image|link|mention
is:pinned|edited|reply|mine. A leading - negates a word or a filter. Matching is by substring of
the folded text, so that it works for scripts without spaces between words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from accounts.folding import fold, fold_for_search
from realtime.errors import InvalidCommand, Reason

MAX_QUERY_LENGTH = 500
MAX_PARTS = 20
HAS = frozenset({"file", "image", "link", "mention"})
IS = frozenset({"pinned", "edited", "reply", "mine"})

_QUOTES = '"“”„«»「」『』'
_PART = re.compile(
    rf"""(?P<not>[-−－])?
    (?:(?P<key>in|from|before|after|on|has|is)[:：])?
    (?:[{_QUOTES}](?P<phrase>[^{_QUOTES}]*)[{_QUOTES}]?|(?P<word>\S+))""",
    re.VERBOSE | re.IGNORECASE,
)
_BARE = re.compile(r"[-−－]|[-−－]?(?:in|from|before|after|on|has|is)[:：]", re.IGNORECASE)
_DAY_BEGUN = re.compile(r"\d{0,3}|\d{4}-|\d{4}-\d{1,2}-")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True)
class Query:
    """A parsed search query. Words are folded; times are aware, `since` ≤ time < `until`.

    A message must match any one of the rooms, any one of the names, and all of the rest.
    """

    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    not_rooms: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    not_names: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    has: frozenset[str] = frozenset()
    has_not: frozenset[str] = frozenset()
    is_: frozenset[str] = frozenset()
    is_not: frozenset[str] = frozenset()
    # The words with their accents: messages that have these come first.
    exact: tuple[str, ...] = field(default=(), compare=False)


def parse(query: str, now: datetime) -> Query:
    """Parse a query. Days are in the time zone of `now`.

    Raises:
        InvalidCommand: the query is empty or too long, or a filter's value is unknown.
    """
    if len(query) > MAX_QUERY_LENGTH:
        raise _refused(Reason("A search has at most %(most)d characters.", most=MAX_QUERY_LENGTH))
    found = _Found()
    for part in _PART.finditer(query):
        found.add(part, now)
    if not found.parts and not found.half_typed:
        raise _refused("Say what to search for.")
    if found.parts > MAX_PARTS:
        raise _refused(Reason("A search has at most %(most)d words and filters.", most=MAX_PARTS))
    return found.query()


class _Found:
    """The parts of a query parsed so far."""

    def __init__(self) -> None:
        self.parts = 0
        self.half_typed = False
        self.lists: dict[str, list[str]] = {}
        self.since: datetime | None = None
        self.until: datetime | None = None

    def add(self, part: re.Match[str], now: datetime) -> None:
        value = part["word"] if part["phrase"] is None else part["phrase"]
        key, negated = (part["key"] or "").lower(), bool(part["not"])
        if _is_half_typed(key, value, quoted=part["phrase"] is not None):
            self.half_typed = True
            return
        if key in ("before", "after", "on"):
            if negated:
                raise _refused(
                    Reason("-%(key)s: has no meaning; turn the day round instead.", key=key)
                )
            self._bound(key, *_day(value, now))
        elif key in ("has", "is"):
            known = HAS if key == "has" else IS
            if fold_for_search(value) not in known:
                raise _refused(
                    Reason(
                        "%(key)s: takes %(known)s, not “%(value)s”.",
                        key=key,
                        known=", ".join(sorted(known)),
                        value=value[:50],
                    )
                )
            self._append(key, fold_for_search(value), negated)
        elif key:
            self._append(key, value.lstrip("#" if key == "in" else "@＠"), negated)
        elif folded := fold_for_search(value).strip():
            self._append("words", folded, negated)
            self._append("exact", fold(value).strip(), negated)
        else:
            return
        self.parts += 1

    def _append(self, key: str, value: str, negated: bool) -> None:
        self.lists.setdefault(("not " if negated else "") + key, []).append(value)

    def _bound(self, key: str, first: datetime, next_: datetime) -> None:
        if key in ("after", "on"):
            since = next_ if key == "after" else first
            self.since = since if self.since is None else max(self.since, since)
        if key in ("before", "on"):
            until = first if key == "before" else next_
            self.until = until if self.until is None else min(self.until, until)

    def query(self) -> Query:
        def all_of(key: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(self.lists.get(key, ())))

        return Query(
            words=all_of("words"),
            without=all_of("not words"),
            rooms=all_of("in"),
            not_rooms=all_of("not in"),
            names=all_of("from"),
            not_names=all_of("not from"),
            since=self.since,
            until=self.until,
            has=frozenset(all_of("has")),
            has_not=frozenset(all_of("not has")),
            is_=frozenset(all_of("is")),
            is_not=frozenset(all_of("not is")),
            exact=all_of("exact"),
        )


def _is_half_typed(key: str, value: str, *, quoted: bool) -> bool:
    """Return whether somebody is still typing this: an operator, or the beginning of its value."""
    if not key:
        return not quoted and _BARE.fullmatch(value) is not None
    value = fold(value.lstrip("#@＠"))
    if key in ("has", "is"):
        known = HAS if key == "has" else IS
        return value not in known and any(name.startswith(value) for name in known)
    if key in ("before", "after", "on"):
        words = ("today", "yesterday")
        return _DAY_BEGUN.fullmatch(value) is not None or (
            value not in words and any(word.startswith(value) for word in words)
        )
    return not value


def _day(value: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the start of the day, month or year that `value` names, and that of the next one."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if (word := value.lower()) in ("today", "yesterday"):
        first = midnight - timedelta(days=word == "yesterday")
        return first, first + timedelta(days=1)
    match = _DAY.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        year, month, day = (int(group) if group else None for group in match.groups())
        first = _midnight(year or 0, month or 1, day or 1, now.tzinfo)
        if day:
            return first, first + timedelta(days=1)
        if month:
            return first, _midnight(first.year + month // 12, month % 12 + 1, 1, now.tzinfo)
        return first, _midnight(first.year + 1, 1, 1, now.tzinfo)
    except (ValueError, OverflowError):
        example = f"{midnight:%Y-%m-%d}"
        raise _refused(
            Reason(
                "“%(value)s” is no day: write %(day)s, %(month)s, %(year)s, today or yesterday.",
                value=value[:50],
                day=example,
                month=example[:7],
                year=example[:4],
            )
        ) from None


def _midnight(year: int, month: int, day: int, zone: tzinfo | None) -> datetime:
    moment = datetime(year, month, day, tzinfo=zone)
    # The first and last days of datetime may not exist in UTC, in which the database needs them.
    moment.astimezone(UTC)
    return moment


def _refused(reason: str) -> InvalidCommand:
    return InvalidCommand.field("q", reason)
