"""The search column of a text, and excerpts of the text around matches. Pure.

A text is folded in pieces, so that no text, however it is made, holds the interpreter for long.
A piece ends only where what follows cannot become one letter with what stands before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from accounts.folding import IGNORABLE, fold_for_search

EXCERPT_LENGTH = 240
# Twice the longest message: only texts of ligatures grow beyond it, up to eighteen times.
MAX_SEARCH_LENGTH = 32_000
PIECE = 400
# Letters that may become one with the letter before them, though they are no marks
# (NFC_Quick_Check=Maybe with a combining class of 0), and the rest of a Hangul syllable.
_JOINING = re.compile(
    "[\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u0f71-\u0f84"
    "\u102e\u1160-\u11ff\u1b35\u314f-\u3163\uff9e\uff9f\uffc2-\uffdc\U00011127\U0001133e\U00011357"
    f"\U000114b0\U000114ba\U000114bd\U000115af\U00011930{IGNORABLE}]"
)


class Span(NamedTuple):
    """A range of a text: from character `start` up to, not including, `end` (code points)."""

    start: int
    end: int


@dataclass(frozen=True)
class Excerpt:
    """An excerpt of a message around the first match, and the ranges of the matches in it."""

    text: str
    ranges: list[Span] = field(default_factory=list)


def searchable(text: str) -> str:
    """Return `text` folded, cut to MAX_SEARCH_LENGTH characters, as the search column holds it."""
    pieces: list[str] = []
    length = 0
    for _, folded in _pieces(text):
        pieces.append(folded)
        length += len(folded)
        if length >= MAX_SEARCH_LENGTH:
            break
    return "".join(pieces)[:MAX_SEARCH_LENGTH]


def excerpt(text: str, words: Sequence[str], length: int = EXCERPT_LENGTH) -> Excerpt:
    """Return about `length` characters of `text` around the first of the folded `words`.

    Line breaks become spaces, one for one, so that the ranges stay valid.
    """
    near = _near_first(text, words)
    # What is beyond the excerpt is not looked at letter by letter.
    window = text[near : near + PIECE + 2 * length]
    spans = [Span(start + near, end + near) for start, end in _matches(window, words)]
    start = max(0, spans[0].start - length // 3) if spans else near
    start = max(0, min(start, len(text) - length))
    end = min(len(text), start + length)
    piece = re.sub(r"\s", " ", text[start:end])
    before, after = "…" * (start > 0), "…" * (end < len(text))
    shift = start - len(before)
    inside = [span for span in spans if span.start < end]
    ranges = [Span(span.start - shift, min(span.end, end) - shift) for span in inside]
    return Excerpt(before + piece + after, ranges)


def _near_first(text: str, words: Sequence[str]) -> int:
    """Return the start of the piece of `text` that has the first match; 0 without a match.

    Looks no further than the search column reaches.
    """
    starts: list[tuple[int, int]] = []
    folded = ""
    for start, piece in _pieces(text) if words else ():
        starts.append((len(folded), start))
        folded += piece
        if len(folded) >= MAX_SEARCH_LENGTH:
            break
    places = [place for word in words if (place := folded.find(word)) >= 0]
    return max(start for at, start in starts if at <= min(places)) if places else 0


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield the folded pieces of the text, each with its start in the text."""
    start = 0
    while start < len(text):
        end = start + PIECE
        while end < len(text) and _continues(text[end]):
            end += 1
        yield start, fold_for_search(text[start:end])
        start = end


def _matches(text: str, words: Sequence[str]) -> Iterator[Span]:
    """Yield the ranges of the words, in order, without overlaps."""
    folded, origins = _folded_with_origins(text)
    found: list[Span] = []
    for word in words:
        at = folded.find(word)
        while at >= 0:
            found.append(Span(origins[at].start, origins[at + len(word) - 1].end))
            at = folded.find(word, at + len(word))
    end = 0
    for span in sorted(found):
        if span.end > end:
            yield Span(max(span.start, end), span.end)
            end = span.end


def _folded_with_origins(text: str) -> tuple[str, list[Span]]:
    """Return the folded text, and the range in `text` of each of its characters.

    Folds by clusters: a letter and its combining marks may become one character.
    """
    pieces: list[str] = []
    origins: list[Span] = []
    known: dict[str, str] = {}
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and _continues(text[end]):
            end += 1
        cluster = text[start:end]
        if (piece := known.get(cluster)) is None:
            piece = known[cluster] = fold_for_search(cluster)
        pieces.append(piece)
        origins.extend([Span(start, end)] * len(piece))
        start = end
    return "".join(pieces), origins


def _continues(character: str) -> bool:
    return unicodedata.combining(character) != 0 or _JOINING.match(character) is not None
