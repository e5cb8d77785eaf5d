"""Names after an @: which could be meant, and which one is. Pure.

Scripts without spaces let a name be followed by a word (@aliceさん), and sentences let it be
followed by signs that names may hold (@alice.). So a mention is the longest of the names that
there are: names that could be meant are looked up first, and the text is read with the answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

from accounts.folding import fold

MAX_NAME_LENGTH = 150
EVERYONE = "all"
# Enough for any message; further ones stay plain text.
MAX_CANDIDATES = 1000

_SIGNS = "._@+-"
_NAME = "[\\w.@+\u0300-\u036f\u3099\u309a-]"
_RUN = re.compile(rf"[@＠]({_NAME}{{1,{MAX_NAME_LENGTH}}})(?P<goes_on>{_NAME})?")
# After these an @ belongs to an address or a path. Scripts without spaces may precede a mention.
_WITHIN_WORD = re.compile(r"[0-9A-Za-z@＠/\u00c0-\u052f]")


def candidates(text: str) -> set[str]:
    """The names that `text` could mention, folded: at most MAX_CANDIDATES."""
    found: set[str] = set()
    for at in re.finditer("[@＠]", text):
        for name in _readings(text, at.start(), len(text)):
            if len(found) == MAX_CANDIDATES:
                return found
            found.add(fold(name))
    return found


def name_at(text: str, at: int, end: int, known: Collection[str]) -> str | None:
    """The longest known name after the @ at `at`, as it is written; None: nobody is meant.

    Args:
        known: names that there are, folded.
    """
    readings = _readings(text, at, end)
    return next((name for name in readings if fold(name) in known), None)


def is_within_word(text: str, at: int) -> bool:
    """Whether the @ at `at` belongs to a word, an address or a path that begins before it."""
    before = text[max(0, at - MAX_NAME_LENGTH) : at].rstrip("._+-")
    return _WITHIN_WORD.match(before[-1:]) is not None


def _readings(text: str, at: int, end: int) -> Iterator[str]:
    """What may be the name after the @ at `at`, the longest first."""
    match = _RUN.match(text, at, end)
    if match is None:
        return
    run = match[1]
    last = len(run) + 1
    whole = [] if match["goes_on"] else [len(run)]
    for stop in [*whole, *_script_changes(run)]:
        name = run[:stop]
        while name:
            if len(name) < last:
                last = len(name)
                yield name
            if name[-1] not in _SIGNS:
                break
            name = name[:-1]


def _script_changes(run: str) -> list[int]:
    """Where another name or a letter of another script begins, the last first."""
    places: list[int] = []
    script = ""
    for index, character in enumerate(run):
        if character == "@":
            places.append(index)
            continue
        its = _script(character)
        if its and script and its != script:
            places.append(index)
        script = its or script
    return places[::-1]


def _script(character: str) -> str:
    """The script of a letter, by its name; empty for digits and signs, which have none."""
    plain = unicodedata.normalize("NFKC", character)[:1]
    if not plain.isalpha() or unicodedata.category(plain) == "Lm":
        return ""
    return unicodedata.name(plain, "").partition(" ")[0].partition("-")[0]
