"""Checks and excerpts of message texts. Pure."""

from __future__ import annotations

import re

from accounts.folding import cap_marks
from accounts.names import is_visible
from chat.protocol import MAX_TEXT_LENGTH
from realtime.errors import InvalidCommand, Reason

EXCERPT_LENGTH = 140
_BLANK_LINES = re.compile(r"\A(?:[^\S\n\r]*[\n\r])+")


def check(text: str, *, may_be_empty: bool = False) -> str:
    """Return `text` without blank lines around it, with at most MAX_MARKS marks on a letter.

    The indentation of the first line stays.

    Raises:
        InvalidCommand: it is empty (unless `may_be_empty`), too long, or has U+0000.
    """
    stripped = _BLANK_LINES.sub("", text).rstrip()
    if not is_visible(stripped):
        stripped = ""
    if not stripped and not may_be_empty:
        raise _refusal("A message needs a text.")
    if len(stripped) > MAX_TEXT_LENGTH:
        raise _refusal(
            Reason("A message has at most %(most)s characters.", most=f"{MAX_TEXT_LENGTH:,}")
        )
    if "\0" in stripped:
        raise _refusal("A message cannot hold U+0000.")
    return cap_marks(stripped)


def excerpt(text: str, length: int = EXCERPT_LENGTH) -> str:
    """Return the beginning of a text on one line, at most `length` characters long."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _refusal(reason: str) -> InvalidCommand:
    return InvalidCommand.field("text", reason)
