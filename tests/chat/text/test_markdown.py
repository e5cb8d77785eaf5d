"""Message text becomes HTML that can do nothing but look like text."""

import re
import time
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.text.markdown import MAX_MARKUP, read, render

ALLOWED = {
    "a": {"href", "title", "target", "rel"},
    "span": {"class"},
    "th": {"class"},
    "td": {"class"},
    "ol": {"start"},
    "code": {"data-language"},
}
TAGS = {"p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "s", "a", "span"}
TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}
CLASSES = {"mention", "mention-all", "align-left", "align-center", "align-right"}


class Elements(HTMLParser):
    """Collects every start tag of a fragment with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


PIECES = st.sampled_from(
    [
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```",
        "[",
        "]",
        "(",
        ")",
        "![",
        "<",
        ">",
        "|",
        "-",
        "#",
        ":",
        "/",
        "\\",
        "&",
        ";",
        "@",
        "＠",
        '"',
        "'",
        "=",
        "\n",
        "\t",
        "1.",
        "http://",
        "https://",
        "//",
        "javascript:",
        "JaVaScRiPt:",
        "data:text/html,",
        "vbscript:",
        "&#106;avascript:",
        "java\tscript:",
        "<script>",
        "</script>",
        "<img/src=x",
        "onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<style>",
        "style=",
        "onclick=",
        "<a",
        "href=",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<iframe>",
        "[x](javascript:alert(1))",
        "[y]:",
        "<javascript:x>",
        "@alice",
        "@all",
        "小明",
        "例子",
        "a",
        "b",
        "\u2028",
        "\x00",
        "\x7f",
        "\u202e",
        "é",
    ]
)
HOSTILE = st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join)


def check(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag in TAGS, html
        assert set(attributes) <= ALLOWED.get(tag, set()), html
        assert set(attributes.get("class", "").split()) <= CLASSES, html
        href = re.sub(r"[\x00-\x20]", "", attributes.get("href", "")).lower()
        scheme = re.match(r"([a-z][a-z0-9+.-]*):", href)
        assert scheme is None or scheme[1] in ("http", "https", "mailto"), html


@given(HOSTILE)
def test_no_text_becomes_script_style_event_handler_or_dangerous_address(text: str) -> None:
    check(render(text))


@given(st.text())
def test_any_text_renders_and_rendering_is_the_same_every_time(text: str) -> None:
    assert render(text) == render(text) == read(text).html


@given(st.from_regex(r"\A[\w][\w.@+-]{0,30}\w\Z").filter(str.isprintable))
def test_every_username_can_be_mentioned(name: str) -> None:
    assert read(f"Ask @{name}, please").mentions == [unicodedata.normalize("NFKC", name)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hi @alice", ["alice"]),
        ("@alice, @Bob. @alice! @ALICE", ["alice", "Bob"]),
        ("**@bob** and (@eve)", ["bob", "eve"]),
        ("@all: lunch", ["all"]),
        ("请@小明 看一下", ["小明"]),
        ("＠小明：早", ["小明"]),
        ("@__init__ @_a_b_", ["__init__", "_a_b_"]),
        ("@bob@example.com", ["bob@example.com"]),
        ("mail bob@example.com or <eve@example.com>", []),
        ("https://example.com/@user and https://example.com/?q=@user", []),
        ("`@alice` and\n\n    @alice\n\n```\n@alice\n```", []),
        ("[@alice](https://example.com)", []),
        (r"\@alice", []),
        ("@ alone, @. and @-", []),
        ("> @quoted\n\n- @listed", ["quoted", "listed"]),
        ("| a |\n|---|\n| @cell |", ["cell"]),
        ("@" + "a" * 151, []),
    ],
)
def test_mentions_are_names_outside_code_links_and_addresses(text: str, names: list[str]) -> None:
    assert read(text).mentions == names
    assert render(text).count('<span class="mention') >= len(names)
    assert bool(names) == ('<span class="mention' in render(text))


def test_a_mention_is_marked_and_that_of_everyone_apart() -> None:
    assert '<span class="mention">@bob</span>' in render("hi @bob.")
    assert '<span class="mention mention-all">@all</span>' in render("hi @all.")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**b** *i* ~~s~~ `c`", "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code></p>\n"),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        (
            "```python\nx < 1\n```",
            '<pre><code data-language="python">x &lt; 1\n</code></pre>\n',
        ),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
    ],
)
def test_markdown_is_rendered(text: str, html: str) -> None:
    assert render(text) == html


def test_a_table_is_aligned_by_classes() -> None:
    html = render("| a | b |\n|:-:|--:|\n| 1 | 2 |")
    assert '<td class="align-center">1</td>' in html
    assert "style" not in html


def test_images_of_anywhere_stay_links() -> None:
    html = render("![chart](https://elsewhere.example/pixel.png)")
    assert "<img" not in html
    assert 'href="https://elsewhere.example/pixel.png"' in html


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.com/a.", "https://example.com/a"),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("看https://example.com/文档。好", "https://example.com/%E6%96%87%E6%A1%A3"),
        ("在https://example.com上", "https://example.com"),
        ("HTTPS://EXAMPLE.COM/x", "https://example.com/x"),
        ("http://127.0.0.1:8000/?a=1&b=2", "http://127.0.0.1:8000/?a=1&amp;b=2"),
        ("*https://example.com*", "https://example.com"),
        ("<https://example.com/x>", "https://example.com/x"),
    ],
)
def test_bare_addresses_become_links_that_tell_nobody_where_they_came_from(
    text: str, address: str
) -> None:
    attributes = f'href="{address}" target="_blank" rel="noopener noreferrer nofollow"'
    assert attributes.lower() in render(text).lower()


@pytest.mark.parametrize("text", ["nothttps://x", "ftp://example.com", "http://", "a:b", "x://y"])
def test_other_things_with_colons_stay_text(text: str) -> None:
    assert "<a" not in render(text)


@pytest.mark.parametrize(
    "piece",
    ["[", "![", "*a ", "**", "> ", "- ", "`a", "<", "@a ", "http://a ", "a\n", "[a](", "~~", "|a"],
)
def test_deep_and_endless_markup_is_rendered_soon(piece: str) -> None:
    text = (piece * MAX_MARKUP)[:MAX_MARKUP]
    began = time.process_time()
    check(render(text))
    assert time.process_time() - began < 2


def test_a_very_long_text_is_shown_as_written() -> None:
    text = "<b>@alice</b> **x** " * 4000
    read_text = read(text)
    assert read_text.html.startswith("<pre>&lt;b&gt;@alice&lt;/b&gt; **x**")
    assert read_text.mentions == []
