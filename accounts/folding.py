"""Comparing names and texts: one rule, in Python, for both databases. Pure.

Databases fold by rules of their own (SQLite knows the capitals of ASCII alone), so what is
compared whatever its case is folded here and stored beside what was written.

Sources: NFKC_Casefold of the Unicode Character Database (UAX 44); the Stream-Safe Text Format
(UAX 15, section 13), without which normalising takes time that grows with the square of a text.
"""

from __future__ import annotations

import re
import unicodedata

# UAX 15: no language stacks as many marks on a letter.
MAX_MARKS = 30
# Default_Ignorable_Code_Point: nothing is drawn for them. In words for search and in names they
# count for nothing; in what is shown they may join or shape letters.
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_IGNORABLE = re.compile(f"[{IGNORABLE}]+")
# These become marks when they are taken apart, though they do not count as marks themselves.
_MARKS_APART = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")

_PLAIN_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‵ʹʻʼʽ`´\u1ffd＇", "'"),
        **dict.fromkeys("“”„‟″‶«»「」『』＂", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
    }
)
_PLAIN_LETTERS = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ـ": None}
)
_PLAIN = {**_PLAIN_SIGNS, **_PLAIN_LETTERS}
# The marks of Latin, Greek, Cyrillic, Hebrew and Arabic, which people leave out. Those of other
# scripts are letters' parts (か and が, Indic vowels), as is the breve of й.
_LOOSE_MARKS = re.compile(
    "(?<!и)\u0306|[\u0300-\u0305\u0307-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4"
    "\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u1ab0-\u1ace\u1dc0-\u1dff\ufe20-\ufe2f]"
)
_SPACE = re.compile(r"\s")


def cap_marks(text: str) -> str:
    """`text` with at most MAX_MARKS combining marks in a row, so that it is normalised quickly."""
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        if unicodedata.combining(character) or character in _MARKS_APART:
            marks += 1
            if marks > MAX_MARKS:
                continue
        else:
            marks = 0
        kept.append(character)
    return "".join(kept)


def fold(name: str) -> str:
    """`name` as names are compared: two people may not have names that fold to the same.

    One form for every width, ligature and case of a letter, without characters that are not
    drawn. Accents count: José is not Jose. Folding what is folded changes nothing.
    """
    if name.isascii():
        return name.lower()
    folded = unicodedata.normalize("NFKC", cap_marks(_IGNORABLE.sub("", name))).casefold()
    # Folding once more takes in what normalising has brought out.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())


def fold_for_search(text: str) -> str:
    """`text` as searches compare it: as `fold`, and cafe finds café, and a quote another.

    Accents of the scripts that are often written without them go; quotes, dashes and spaces have
    one form each.
    """
    # Before folding as well: NFKC makes of an acute accent that stands alone a space and a mark.
    folded = fold(text.translate(_PLAIN_SIGNS))
    if not folded.isascii():
        # Letters with a stroke may carry accents, and accents may hide their letter.
        apart = unicodedata.normalize("NFKD", folded.translate(_PLAIN))
        bare = _LOOSE_MARKS.sub("", apart).translate(_PLAIN)
        folded = unicodedata.normalize("NFC", bare)
    return _SPACE.sub(" ", folded)
