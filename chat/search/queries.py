"""Search queries: parsing, and excerpts of the texts that match. Pure.

A query has words and "phrases", each of which a message must contain, in any script and any case,
and filters: in:room from:name before:day after:day on:day has:file|image|link|mention
is:pinned|edited|reply|mine. A leading - negates a word or a filter. Matching is by substring of
the folded text, so that it works for scripts without spaces between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from realtime.errors import InvalidCommand, Reason

MAX_QUERY_LENGTH = 500
MAX_PARTS = 20
EXCERPT_LENGTH = 240
HAS = frozenset({"file", "image", "link", "mention"})
IS = frozenset({"pinned", "edited", "reply", "mine"})

_QUOTES = '"“”„«»「」『』'
_PART = re.compile(
    rf"""(?P<not>[-−－])?
    (?:(?P<key>in|from|before|after|on|has|is)[:：])?
    (?:[{_QUOTES}](?P<phrase>[^{_QUOTES}]*)[{_QUOTES}]?|(?P<word>\S+))""",
    re.VERBOSE | re.IGNORECASE,
)
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


class Span(NamedTuple):
    """A range of a text: from character `start` up to, not including, `end` (code points)."""

    start: int
    end: int


@dataclass(frozen=True)
class Excerpt:
    """An excerpt of a message around the first match, and the ranges of the matches in it."""

    text: str
    ranges: list[Span] = field(default_factory=list)


def fold(text: str) -> str:
    """Fold `text` for comparison: one form for every width, ligature and case of a letter."""
    # Twice: normalising can produce characters that have to be folded again.
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s", " ", unicodedata.normalize("NFKC", folded).casefold())


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
    if not found.parts:
        raise _refused("Say what to search for.")
    if found.parts > MAX_PARTS:
        raise _refused(Reason("A search has at most %(most)d words and filters.", most=MAX_PARTS))
    return found.query()


class _Found:
    """The parts of a query parsed so far."""

    def __init__(self) -> None:
        self.parts = 0
        self.lists: dict[str, list[str]] = {}
        self.since: datetime | None = None
        self.until: datetime | None = None

    def add(self, part: re.Match[str], now: datetime) -> None:
        value = part["word"] if part["phrase"] is None else part["phrase"]
        key, negated = (part["key"] or "").lower(), bool(part["not"])
        if key in ("before", "after", "on"):
            if negated:
                raise _refused(
                    Reason("-%(key)s: has no meaning; turn the day round instead.", key=key)
                )
            self._bound(key, *_day(value, now))
        elif key in ("has", "is"):
            known = HAS if key == "has" else IS
            if fold(value) not in known:
                raise _refused(
                    Reason(
                        "%(key)s: takes %(known)s, not “%(value)s”.",
                        key=key,
                        known=", ".join(sorted(known)),
                        value=value[:50],
                    )
                )
            self._append(key, fold(value), negated)
        elif key:
            self._append(key, value.lstrip("#" if key == "in" else "@＠"), negated)
        elif folded := fold(value).strip():
            self._append("words", folded, negated)
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
        )


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


# --- Excerpts -------------------------------------------------------------------------------


def excerpt(text: str, words: Sequence[str], length: int = EXCERPT_LENGTH) -> Excerpt:
    """Return about `length` characters of `text` around the first of the folded `words`.

    Line breaks become spaces, one for one, so that the ranges stay valid.
    """
    spans = list(_matches(text, words))
    start = max(0, spans[0].start - length // 3) if spans else 0
    start = max(0, min(start, len(text) - length))
    end = min(len(text), start + length)
    piece = re.sub(r"\s", " ", text[start:end])
    before, after = "…" * (start > 0), "…" * (end < len(text))
    shift = start - len(before)
    inside = [span for span in spans if span.start < end]
    ranges = [Span(span.start - shift, min(span.end, end) - shift) for span in inside]
    return Excerpt(before + piece + after, ranges)


def _matches(text: str, words: Sequence[str]) -> Iterator[Span]:
    """Yield the ranges of the words, in order, without overlaps."""
    folded, origins = _folded_with_origins(text)
    found: list[Span] = []
    for word in words:
        at = folded.find(word)
        while at >= 0:
            found.append(Span(origins[at], origins[at + len(word) - 1] + 1))
            at = folded.find(word, at + len(word))
    end = 0
    for span in sorted(found):
        if span.end > end:
            yield Span(max(span.start, end), span.end)
            end = span.end


def _folded_with_origins(text: str) -> tuple[str, list[int]]:
    """Return the folded text, and the index in `text` of each of its characters.

    Folds by clusters: a letter and its combining marks may become one character.
    """
    pieces: list[str] = []
    origins: list[int] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and _continues(text[end]):
            end += 1
        piece = fold(text[start:end])
        pieces.append(piece)
        origins.extend([start] * (len(piece) - 1) + [end - 1] if piece else [])
        start = end
    return "".join(pieces), origins


def _continues(character: str) -> bool:
    return unicodedata.combining(character) != 0 or "\u1160" <= character <= "\u11ff"
