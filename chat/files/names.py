"""Sanitising the names of uploaded files. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 150
UNNAMED = "file"
# Path separators, characters that Windows refuses, and all invisible ones: control characters,
# and direction marks, which make "gpj.exe" look like "exe.jpg".
_REFUSED = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]'
)
_SPACE = re.compile(r"\s+")
_LONGEST_ENDING = 20


def clean(name: str) -> str:
    """Return the last component of `name`, in any script, without the refused characters.

    At most MAX_LENGTH characters; the extension survives truncation. Never empty, never a dotfile.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = _SPACE.sub(" ", _REFUSED.sub("", last)).strip(" .")
    if not kept:
        return UNNAMED
    if len(kept) <= MAX_LENGTH:
        return kept
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        return kept[:MAX_LENGTH].rstrip(" .")
    return stem[: MAX_LENGTH - len(ending) - 1].rstrip(" .") + dot + ending
