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
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from accounts.folding import fold
from accounts.names import clean_name, is_visible
from chat.text import addresses, mentions
from chat.text.emphasis import SpacelessInline

# Longer texts are shown as written: pasted logs, not markup. Below it the slowest text known
# takes a fraction of a second.
MAX_MARKUP = 20_000
_SCHEME = re.compile(r"(?:^|[^a-z0-9.+-])(https?)$", re.IGNORECASE)

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

    Names are folded, without the @, in their order; `all` stands for everyone. Those in code and
    in links do not count.
    """

    html: str
    mentions: list[str]


def read(text: str, known: Collection[str] = ()) -> Rendered:
    """Render `text` and find its mentions in one go.

    Args:
        known: the folded names of those who can be called. Of `mentions.candidates`, these are
            mentioned; other names stay plain text.
    """
    if len(text) > MAX_MARKUP:
        return Rendered(_as_written(text), [])
    env = {"known": known}
    tokens = _PARSER.parse(text, env)
    if not _is_seen(tokens):
        tokens = _plain(text)
    html = _PARSER.renderer.render(tokens, _PARSER.options, env)
    return Rendered(_SANITIZER.clean(html), _names(tokens))


def render(text: str, known: Collection[str] = ()) -> str:
    """`text` as sanitised HTML; a mention becomes `<span class="mention">@name</span>`."""
    return read(text, known).html


def _as_written(text: str) -> str:
    return _SANITIZER.clean(f"<pre>{escape(text)}</pre>")


def _is_seen(tokens: Sequence[Token]) -> bool:
    return any(token.type == "hr" or is_visible(token.content) for token in _leaves(tokens))


def _plain(text: str) -> list[Token]:
    """A paragraph that says what is written, with none of it as markup."""
    children: list[Token] = []
    for line in text.split("\n"):
        children += [Token("softbreak", "br", 0), Token("text", "", 0, content=line)]
    inline = Token("inline", "", 0, children=children[1:])
    return [Token("paragraph_open", "p", 1), inline, Token("paragraph_close", "p", -1)]


def _names(tokens: Sequence[Token]) -> list[str]:
    return list(
        dict.fromkeys(token.meta["name"] for token in _leaves(tokens) if token.type == "mention")
    )


def _leaves(tokens: Sequence[Token]) -> Iterator[Token]:
    # Children hold no children of their own once images are off.
    for token in tokens:
        yield from [token] if token.children is None else token.children


# --- Extensions of the parser ---------------------------------------------------------------


def _mention_rule(state: StateInline, silent: bool) -> bool:
    """@name of somebody who is known, unless it stands within a word, an address or a link."""
    if state.linkLevel > 0 or state.src[state.pos] not in "@＠":
        return False
    if mentions.is_within_word(state.src, state.pos) and not _follows_mention(state):
        return False
    name = mentions.name_at(state.src, state.pos, state.posMax, state.env.get("known", ()))
    if name is None:
        return False
    if not silent:
        token = state.push("mention", "span", 0)
        token.content = state.src[state.pos : state.pos + 1 + len(name)]
        token.meta = {"name": fold(name)}
    state.pos += 1 + len(name)
    return True


def _follows_mention(state: StateInline) -> bool:
    """Whether it is one of several: @alice/@bob."""
    is_next = bool(state.tokens) and state.tokens[-1].type == "mention"
    return is_next and state.pending in ("", "/")


def _address_rule(state: StateInline, silent: bool) -> bool:
    """http:// and https:// addresses without brackets around them."""
    if state.linkLevel > 0 or not state.src.startswith("://", state.pos, state.posMax):
        return False
    scheme = _SCHEME.search(state.pending[-9:])
    start = state.pos + len("://")
    found = addresses.find(state.src, start, state.posMax) if scheme else None
    if not scheme or not found:
        return False
    host = state.src[start : found.host_end]
    rest = state.src[found.host_end : found.end]
    # As browsers read names beyond ASCII (UTS 46): wide letters and those that are written apart.
    plain = host if host.isascii() else unicodedata.normalize("NFKC", host).lower()
    href = state.md.normalizeLink(f"{scheme[1]}://{plain}{rest}")
    if not state.md.validateLink(href):
        return False
    if not silent:
        state.pending = state.pending[: -len(scheme[1])]
        _push_link(state, href, state.md.normalizeLinkText(f"{scheme[1]}://{host}{rest}"))
    state.pos = found.end
    return True


def _push_link(state: StateInline, href: str, text: str) -> None:
    state.push("link_open", "a", 1).attrs = {"href": href}
    state.push("text", "", 0).content = text
    state.push("link_close", "a", -1)


def _render_mention(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    everyone = tokens[index].meta["name"] == mentions.EVERYONE
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


class _Markdown(MarkdownIt):
    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - theirs
        """An address as it is read: decoded, or as written where that cannot be read."""
        decoded = super().normalizeLinkText(link)
        hides = "\ufffd" in decoded or clean_name(decoded) != decoded
        return link if hides else decoded


def _parser() -> MarkdownIt:
    parser = _Markdown("zero")
    parser.inline = SpacelessInline()
    parser.configure("commonmark", {"html": False, "breaks": True, "maxNesting": 20})
    parser.enable(["table", "strikethrough"])
    # No definitions of links: what a message says is where it is read.
    parser.disable(["image", "html_block", "html_inline", "reference"])
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
