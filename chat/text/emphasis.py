"""Emphasis beside letters and punctuation of Chinese, Japanese and Korean. Pure.

CommonMark decides by spaces and punctuation whether ** opens or closes; scripts without spaces
need other rules. These are those of https://github.com/tats-u/markdown-cjk-friendly: punctuation
of these scripts counts as a letter there, and their letters as a space would.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from markdown_it.utils import EnvType

_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u303e\u3041-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uffee\U0001b000-\U0001b2ff\U0001f200-\U0001f2ff\U00020000-\U0003ffff]"
)
# They choose between forms of the character before them.
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class SpacelessInline(ParserInline):
    """Parses what is within a block, with emphasis for scripts without spaces."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _State(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _State(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - theirs
        scanned = super().scanDelims(start, canSplitWord)
        before = self._character_before(start)
        end = start + scanned.length
        after = self.src[end] if end < self.posMax else " "
        if not _CJK.match(before) and not _CJK.match(after):
            return scanned
        opens, closes = _flanking(before, after), _flanking(after, before)
        if not canSplitWord:
            # As within words of Latin, where _ is a part of names, unless punctuation is between.
            within = opens and closes
            opens, closes = (
                opens and (not within or _is_punctuation(before) or _is_quoted(before, after)),
                closes and (not within or _is_punctuation(after) or _is_quoted(after, before)),
            )
        return Scanned(opens, closes, scanned.length)

    def _character_before(self, start: int) -> str:
        while start > 1 and _SELECTORS.match(self.src[start - 1]):
            start -= 1
        return self.src[start - 1] if start > 0 else " "


def _flanking(outside: str, inside: str) -> bool:
    """Whether marks may stand at an end of emphasis that has these characters beside them."""
    if isWhiteSpace(ord(inside)):
        return False
    if not _is_punctuation(inside) or _CJK.match(inside):
        return True
    return isWhiteSpace(ord(outside)) or _is_punctuation(outside) or _CJK.match(outside) is not None


def _is_quoted(outside: str, inside: str) -> bool:
    """Whether emphasis ends with punctuation of these scripts, beside a letter of them."""
    return bool(_CJK.match(outside) and _CJK.match(inside) and _is_punctuation(inside))


def _is_punctuation(character: str) -> bool:
    return isMdAsciiPunct(ord(character)) or isPunctChar(character)
