"""Finds template text that readers see and that is not inside {% translate %}."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import Lexer, Token, TokenType

ATTRIBUTES = {
    "alt",
    "aria-description",
    "aria-label",
    "aria-roledescription",
    "placeholder",
    "title",
}
# Names, symbols and codes: the same in every language.
NAMES = {"Pitwall", "UTC", "Authorization: Bearer"}
# Blocks whose content is not text: icon names, classes.
NO_TEXT = re.compile(r"block (icon|\w+_class)\b")
ELSEWHERE = "\ufffc"  # stands for a tag's output
_WORD = re.compile(r"[^\W\d_]{2,}")
_LITERAL = re.compile(r'"([A-Z][a-z][^"]*)"')


def untranslated(path: Path) -> list[str]:
    """Return the template's visible text that is not marked for translation."""
    source = path.read_text()
    if path.suffix == ".txt":
        seen = "".join(_pieces(source)).replace(ELSEWHERE, "\n").split("\n")
    else:
        seen = list(visible("".join(_pieces(source))))
    texts = {" ".join(text.replace(ELSEWHERE, " ").split()).strip(" ·…_—:()") for text in seen}
    found = {text for text in texts if _WORD.search(text) and text not in NAMES}
    return sorted(found | set(_literals(source)))


def visible(page: str) -> Iterator[str]:
    """Yield the texts of an HTML page, and of its attributes that are displayed or read aloud."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    yield from reader.texts


def _pieces(source: str) -> Iterator[str]:
    inside: str | None = None
    for token in Lexer(source).tokenize():
        if inside is not None:
            if token.token_type is TokenType.BLOCK and token.contents.split()[0] == inside:
                inside = None
        elif token.token_type is TokenType.TEXT:
            yield token.contents
        else:
            inside = _end_of(token)
            yield ELSEWHERE


def _end_of(token: Token) -> str | None:
    """Return the end tag if the token opens a block to skip, else None."""
    if token.token_type is not TokenType.BLOCK:
        return None
    name = token.contents.split()[0]
    if name in ("blocktranslate", "blocktrans", "comment", "verbatim"):
        return f"end{name}"
    return "endblock" if NO_TEXT.match(token.contents) else None


def _literals(source: str) -> Iterator[str]:
    """Yield words passed to a filter or another template: `{{ name|default:"Nobody" }}`."""
    for token in Lexer(source).tokenize():
        if token.token_type in (TokenType.BLOCK, TokenType.VAR):
            name = token.contents.split()[0]
            if name not in ("translate", "trans", "blocktranslate", "blocktrans"):
                yield from _LITERAL.findall(token.contents)


class _Reader(HTMLParser):
    """Collects text that is displayed or read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._hidden += 1
        given = dict(attrs)
        shown = ATTRIBUTES | ({"value"} if given.get("type") in ("submit", "button") else set())
        self.texts += [value for name, value in attrs if value and name in shown]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)
