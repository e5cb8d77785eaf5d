"""Sanitising the names of uploaded files. Pure."""

from __future__ import annotations

import re
import unicodedata

from accounts.folding import cap_marks
from accounts.names import is_visible

MAX_LENGTH = 150
UNNAMED = "file"
# Path separators, characters that Windows refuses, and all invisible ones: control characters,
# and direction marks, which make "gpj.exe" look like "exe.jpg". Joiners and variation selectors
# stay: emoji and some scripts need them.
_REFUSED = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b'
    r"\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# More of a name than this is not looked at.
_LONGEST_GIVEN = 2000
_SPACE = re.compile(r"\s+")
_LONGEST_ENDING = 20


def clean(name: str) -> str:
    """Return the last component of `name`, in any script, without the refused characters.

    At most MAX_LENGTH characters; the extension survives truncation. Never empty, never a dotfile.
    """
    given = cap_marks(name[-_LONGEST_GIVEN:])
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = _SPACE.sub(" ", _REFUSED.sub("", last)).strip(" .")
    if not is_visible(kept):
        return UNNAMED
    if len(kept) <= MAX_LENGTH:
        return kept
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        return kept[:MAX_LENGTH].rstrip(" .")
    return stem[: MAX_LENGTH - len(ending) - 1].rstrip(" .") + dot + ending
