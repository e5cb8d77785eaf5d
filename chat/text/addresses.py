"""Where an address that is written without brackets ends in the text around it. Pure.

The host is whole, in any script, or there is no address: a shorter host is another place. What
comes after the host ends as people end sentences, as on GitHub (GitHub Flavored Markdown 6.9),
and with the punctuation of scripts that have no spaces.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MAX_HOST = 253
MAX_LABEL = 63

# Scripts without spaces: prose may follow an address directly.
_SPACELESS = (
    "\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3031-\u3035"
    "\u3041-\u312f\u3131-\u318e\u31a0-\u31ff\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\uff66-\uffdc\U00020000-\U0003ffff"
)
_PROSE = re.compile(f"[{_SPACELESS}]")
_PROSE_AFTER_ASCII = re.compile(rf"((?:[A-Za-z0-9_-]+\.)*([A-Za-z0-9_-]+?))[-_]*[{_SPACELESS}]")
_NUMERIC_ADDRESS = re.compile(r"\[[0-9a-f:.]{2,45}\]", re.I)
_PORT = re.compile(rf":[0-9]{{1,5}}(?:(?!\w)|(?=[{_SPACELESS}]))")
_NO_PORT = re.compile(r":\w")
_SCHEME_AT_END = re.compile(r"(?:^|[^a-z0-9.+-])https?\Z", re.I)
_STRETCH = re.compile(r"[^\s/?#:<]*")
# Dots to the rules of international names, and in sentences.
_DOT_LIKE = "。．｡"
_MIDDLE_DOTS = "·・･‧•"
_DASHES = "–—―‒‐‑−"
# What is nowhere in an address, and ends a sentence or a quotation.
_ENDS_ALWAYS = frozenset('<>"“”„‟«»‹›…⋯۔।॥؟؛။።។།։')
_APOSTROPHES = "’‘‚‛"
_ENDS_SENTENCE = frozenset("?!.,:;*_~'")
_AFTER_BRACKET = re.compile("[A-Za-z0-9/%_=&~-]")
_CLOSING = frozenset(")]}\"'*~`|")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


class Address(NamedTuple):
    """Where a host and the address that begins with it end in a text."""

    host_end: int
    end: int


def find(text: str, start: int, end: int) -> Address | None:
    """The address whose host begins at `start` of `text`, within `end`; None: there is none."""
    numeric = _NUMERIC_ADDRESS.match(text, start, end)
    host_end = numeric.end() if numeric else _host_end(text, start, end)
    if host_end is None:
        return None
    stop = host_end
    if text[stop : stop + 1] == ":":
        if port := _PORT.match(text, stop, end):
            stop = port.end()
        elif _NO_PORT.match(text, stop, end):
            return None
    if stop < end and text[stop] in "/?#":
        stop = _path_end(text, stop, end)
    return Address(host_end, stop)


def _host_end(text: str, start: int, end: int) -> int | None:
    stop = start
    while stop < end and stop - start <= MAX_HOST and _may_be_in_host(text[stop]):
        stop += 1
    run = text[start:stop]
    following = text[stop:end][:1]
    if prose := _prose_after_ascii(run):
        return None if following and following in "/?#:" else start + prose
    host = run.rstrip("._-")
    if host != run and following and following in "/?#:":
        # One dot at the end stands for the root of all names.
        return stop if run == host + "." and _is_host(host) else None
    stop = start + len(host)
    return stop if _is_host(host) and _host_may_end(text, stop, end, host) else None


def _may_be_in_host(character: str) -> bool:
    return (
        character.isalnum()
        or character in "-_.\u200c\u200d"
        or unicodedata.category(character).startswith("M")
    )


def _is_host(host: str) -> bool:
    labels = host.split(".")
    return len(host) <= MAX_HOST and all(
        0 < len(label) <= MAX_LABEL and not label.startswith("-") and not label.endswith("-")
        for label in labels
    )


def _prose_after_ascii(run: str) -> int | None:
    """How long a host of ASCII is that prose follows without a space ("https://example.com是")."""
    found = _PROSE_AFTER_ASCII.match(run)
    if found is None or "." in run[found.end() :]:
        return None
    host, last = found[1], found[2]
    is_whole = "." in host and (last.isalpha() or _is_ipv4(host))
    return len(host) if (is_whole or host.lower() == "localhost") and _is_host(host) else None


def _is_ipv4(host: str) -> bool:
    return re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}", host) is not None


def _host_may_end(text: str, stop: int, end: int, host: str) -> bool:
    """Whether what stands after a host cannot be more of it."""
    following, after = text[stop:end][:1], text[stop + 1 : end][:1]
    if not following or following.isspace() or following in "/?#:<>":
        return True
    is_ascii, is_dotted = host.isascii(), "." in host or host.lower() == "localhost"
    if following in _DOT_LIKE:
        may_go_on = after.isalnum() and (not is_dotted or not host.rpartition(".")[2].isascii())
        return not may_go_on or (is_ascii and not after.isascii())
    if following in _MIDDLE_DOTS:
        return not after.isalnum() or bool(is_ascii and is_dotted and _PROSE.match(after))
    if not following.isascii() and unicodedata.category(following).startswith("P"):
        return True
    return _sentence_goes_on(text, stop, end, is_dotted)


def _sentence_goes_on(text: str, stop: int, end: int, is_dotted: bool) -> bool:
    """Whether signs after a host belong to the sentence: no name and no path comes after them."""
    stretch = _STRETCH.match(text, stop, end)
    assert stretch is not None
    signs, follows = stretch[0], text[stretch.end() : end][:1]
    if not any(map(str.isalnum, signs)):
        return follows not in ("/", "?", "#", ":") or signs[0] in _CLOSING
    if follows == ":" and _SCHEME_AT_END.search(signs):
        return "." not in signs and "@" not in signs
    is_more = re.search(r"\.\w", signs) or signs.startswith("@") or follows in ("/", "?", "#", ":")
    return is_dotted and not is_more


def _path_end(text: str, start: int, end: int) -> int:
    open_brackets: list[str] = []
    stop = start
    while stop < end and not _ends(text, stop, end, open_brackets):
        stop += 1
    while stop > start + 1 and _is_of_sentence(text[stop - 1]):
        stop -= 1
    if stop == start + 1 and text[start] in "?#":
        return start
    return stop


def _ends(text: str, at: int, end: int, open_brackets: list[str]) -> bool:
    """Whether a path, a query or a fragment has ended before the character at `at`."""
    character = text[at]
    following = text[at + 1 : end][:1]
    if character.isspace() or character in _ENDS_ALWAYS:
        return True
    if "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uff65":
        return not character.isalnum()
    if character in _APOSTROPHES:
        return not following.isalpha() or _PROSE.match(following) is not None
    if character in _DASHES or character in _MIDDLE_DOTS:
        after = text[at : min(end, at + 4)].lstrip(_DASHES + _MIDDLE_DOTS)[:1]
        return not after or after.isspace() or _PROSE.match(after) is not None
    if character in "([{":
        open_brackets.append(character)
    elif character in _BRACKETS:
        if open_brackets and open_brackets[-1] == _BRACKETS[character]:
            open_brackets.pop()
        else:
            return _AFTER_BRACKET.match(following) is None
    return False


def _is_of_sentence(character: str) -> bool:
    if character.isascii():
        return character in _ENDS_SENTENCE or character in "([{"
    return unicodedata.category(character).startswith("P")
