"""Renders message text to HTML: CommonMark, tables, strikethrough, bare links, mentions. Pure.

No markup of the author's reaches the page: raw HTML is shown as text, images stay links, and the
parser's output is sanitised again. The result has no style, script or event attribute, so it works
under a strict content security policy.

Line breaks are kept, as users expect. Very long or deeply nested texts are still rendered in
bounded time: beyond MAX_MARKUP characters a text is shown as written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Longer texts are shown as written: pasted logs, not markup. Below it the slowest known text
# takes a fraction of a second.
MAX_MARKUP = 20_000
MAX_NAME_LENGTH = 150
EVERYONE = "all"

_NAME = r"[\w.@+-]"
_MENTION = re.compile(rf"[@＠](?P<name>{_NAME}{{1,{MAX_NAME_LENGTH}}})(?!{_NAME})")
# Allowed in a name, but punctuation at the end of one: "ask @alice." means alice.
_TRAILING = ".@+-"
# After these an @ is part of an address or a path. Scripts without spaces may precede a mention.
_WITHIN_WORD = re.compile(r"[0-9A-Za-z_.+@＠/\-\u00c0-\u052f]")

_SCHEME = re.compile(r"(?:^|[^a-z0-9.+-])(https?)$", re.IGNORECASE)
# The host ends before the first invalid character: "https://example.com是" links just the host.
_ADDRESS = re.compile(
    r"://(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?|[^\W_](?:[\w.-]{0,252}\w)?)"
    r"(?::\d{1,5})?(?:[/?#][^\s<>\"\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]*)?",
    re.IGNORECASE,
)
_ENDS_SENTENCE = "?!.,:;*_~'"

_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "a", "span"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ALIGNMENTS = {"align-left", "align-center", "align-right"}
_SANITIZER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "ol": {"start"}, "code": {"data-language"}},
    allowed_classes={"span": {"mention", "mention-all"}, "th": _ALIGNMENTS, "td": _ALIGNMENTS},
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)


@dataclass(frozen=True)
class Rendered:
    """A message's text as sanitised HTML, and the names that it mentions, each once.

    Names are as written (NFKC, any case), without the @, in order; `all` stands for everyone. A
    name ends where a username must; a sentence's final dot is not part of it. Names in code and in
    links do not count.
    """

    html: str
    mentions: list[str]


def read(text: str) -> Rendered:
    """Render `text` and find its mentions in one go."""
    if len(text) > MAX_MARKUP:
        return Rendered(_as_written(text), [])
    tokens = _PARSER.parse(text)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return Rendered(_SANITIZER.clean(html), _names(tokens))


def render(text: str) -> str:
    """Return `text` as sanitised HTML; a mention becomes `<span class="mention">@name</span>`.

    The span marks the syntax; it does not mean that such a user exists.
    """
    return read(text).html


def _as_written(text: str) -> str:
    return _SANITIZER.clean(f"<pre>{escape(text)}</pre>")


def _names(tokens: Sequence[Token]) -> list[str]:
    names: dict[str, str] = {}
    for token in _walk(tokens):
        if token.type == "mention":
            names.setdefault(token.meta["name"].casefold(), token.meta["name"])
    return list(names.values())


def _walk(tokens: Sequence[Token]) -> Iterator[Token]:
    # With images disabled, children have no children of their own.
    for token in tokens:
        yield token
        yield from token.children or ()


# --- Extensions of the parser ---------------------------------------------------------------


def _mention_rule(state: StateInline, silent: bool) -> bool:
    """Parse @name, unless it is within a word, an address or a link."""
    pos = state.pos
    if state.linkLevel > 0 or state.src[pos] not in "@＠":
        return False
    if pos > 0 and _WITHIN_WORD.match(state.src[pos - 1]):
        return False
    match = _MENTION.match(state.src, pos, state.posMax)
    name = match["name"].rstrip(_TRAILING) if match else ""
    if not name:
        return False
    if not silent:
        token = state.push("mention", "span", 0)
        token.content = "@" + name
        token.meta = {"name": unicodedata.normalize("NFKC", name)}
    state.pos = pos + 1 + len(name)
    return True


def _address_rule(state: StateInline, silent: bool) -> bool:
    """Parse http:// and https:// addresses without brackets, ending them as GitHub does."""
    if state.linkLevel > 0 or state.src[state.pos] != ":":
        return False
    scheme = _SCHEME.search(state.pending[-9:])
    match = scheme and _ADDRESS.match(state.src, state.pos, state.posMax)
    if not scheme or not match:
        return False
    rest = _without_sentence(match[0], len("://") + len(match["host"]))
    url = scheme[1] + rest
    href = state.md.normalizeLink(url)
    if not state.md.validateLink(href):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        _push_link(state, href, state.md.normalizeLinkText(url))
    state.pos += len(rest)
    return True


def _push_link(state: StateInline, href: str, text: str) -> None:
    state.push("link_open", "a", 1).attrs = {"href": href}
    state.push("text", "", 0).content = text
    state.push("link_close", "a", -1)


def _without_sentence(address: str, shortest: int) -> str:
    """Return `address` without trailing punctuation that belongs to the sentence around it."""
    end = len(address)
    unbalanced = address.count(")") - address.count("(")
    while end > shortest:
        last = address[end - 1]
        if last == ")" and unbalanced > 0:
            unbalanced -= 1
        elif last not in _ENDS_SENTENCE:
            break
        end -= 1
    return address[:end]


def _render_mention(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    everyone = tokens[index].meta["name"].casefold() == EVERYONE
    classes = "mention mention-all" if everyone else "mention"
    return f'<span class="{classes}">{escape(tokens[index].content)}</span>'


def _render_cell(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Align by a class: the parser uses a style attribute, which the page may not have."""
    token = tokens[index]
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrSet("class", "align-" + style.removeprefix("text-align:"))
    return self.renderToken(tokens, index, options, env)


def _render_code(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    language = tokens[index].info.strip().split(" ")[0][:32]
    attribute = f' data-language="{escape(language)}"' if language else ""
    return f"<pre><code{attribute}>{escape(tokens[index].content)}</code></pre>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 20})
    parser.enable(["table", "strikethrough"])
    parser.disable(["image", "html_block", "html_inline"])
    parser.inline.add_terminator_char("@")
    parser.inline.add_terminator_char("＠")
    parser.inline.add_terminator_char(":")
    parser.inline.ruler.before("escape", "mention", _mention_rule)
    parser.inline.ruler.before("escape", "address", _address_rule)
    parser.add_render_rule("mention", _render_mention)
    parser.add_render_rule("th_open", _render_cell)
    parser.add_render_rule("td_open", _render_cell)
    parser.add_render_rule("fence", _render_code)
    return parser


_PARSER = _parser()
