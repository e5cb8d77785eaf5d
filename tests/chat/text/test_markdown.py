"""Message text becomes HTML that can do nothing but look like text."""

import re
import time
import unicodedata
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.folding import fold
from accounts.names import is_visible
from chat.text import mentions
from chat.text.checking import check as check_text
from chat.text.markdown import _PARSER, MAX_MARKUP, read, render
from realtime.errors import InvalidCommand

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


@given(st.from_regex(r"\A[\w.@+-]{1,30}\Z").filter(str.isprintable))
def test_every_username_can_be_mentioned(name: str) -> None:
    assert read(f"Ask @{name} and (@{name}), please", {fold(name)}).mentions == [fold(name)]


PEOPLE = (
    "alice bob eve 小明 山田 dot. __init__ _a_b_ bob@example.com alice.b アリス иван émile alice2 "
    "ann-lee"
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hi @alice", ["alice"]),
        ("@alice, @Bob. @alice! @ALICE", ["alice", "bob"]),
        ("**@bob** and (@eve)", ["bob", "eve"]),
        ("@all: lunch", ["all"]),
        ("请@小明 看一下", ["小明"]),
        ("＠小明：早", ["小明"]),
        ("@__init__ @_a_b_", ["__init__", "_a_b_"]),
        ("@bob@example.com", ["bob@example.com"]),
        ("mail bob@example.com or <eve@example.com>", []),
        ("https://example.com/@alice and https://example.com/?q=@alice", []),
        ("`@alice` and\n\n    @alice\n\n```\n@alice\n```", []),
        ("[@alice](https://example.com)", []),
        (r"\@alice", []),
        ("@ alone, @. and @-", []),
        ("> @bob\n\n- @eve", ["bob", "eve"]),
        ("| a |\n|---|\n| @alice |", ["alice"]),
        ("@" + "a" * 151, []),
        # Where the script changes, a word follows.
        ("@aliceさん、おはよう", ["alice"]),
        ("@小明さん", ["小明"]),
        ("@山田たろう", ["山田"]),
        ("@アリスさん", ["アリス"]),
        ("@alice님 확인", ["alice"]),
        ("@bobпривет", ["bob"]),
        ("@иванok", ["иван"]),
        ("@all各位请看", ["all"]),
        ("@alice2さん", ["alice2"]),
        ("@alice2", ["alice2"]),
        ("@alice23", []),
        # The longest name that there is.
        ("@alice.b. and @alice.", ["alice.b", "alice"]),
        ("@dot. is here", ["dot."]),
        ("@dot.", ["dot."]),
        ("@dot", []),
        # Signs between names, and around them.
        ("@alice/@bob", ["alice", "bob"]),
        ("@alice@bob", ["alice", "bob"]),
        ("x/@bob", []),
        ("_@bob_", ["bob"]),
        ("__@bob__ and ~~@eve~~", ["bob", "eve"]),
        ("..@bob", ["bob"]),
        ("a_@bob and a.@bob", []),
        ("@@bob", []),
        ("@Émile @E\u0301MILE @ÉMILE", ["émile"]),
        ("@ＡＬＩＣＥ", ["alice"]),
        ("@ann-lee", ["ann-lee"]),
        # A part of a longer name is nobody.
        ("@all-hands @alice-x @bobby @alice.example", []),
        ("@nobody", []),
    ],
)
def test_those_are_mentioned_who_are_called_and_a_highlight_is_where_they_are(
    text: str, names: list[str]
) -> None:
    rendered = read(text, {*PEOPLE.split(), "all"})
    assert rendered.mentions == names
    highlighted = re.findall(r'<span class="mention[^>]*>[@＠]([^<]*)</span>', rendered.html)
    assert list(dict.fromkeys(map(fold, highlighted))) == names
    assert mentions.candidates(text) >= set(names)


@given(st.text(st.sampled_from("@＠alicebob小明さんドイ.+-_/ é\n`["), max_size=40))
def test_what_is_mentioned_was_a_candidate_and_is_highlighted(text: str) -> None:
    known = {"alice", "bob", "小明", "a", "b.", "さ"}
    rendered = read(text, known)
    assert set(rendered.mentions) <= known & mentions.candidates(text)
    assert bool(rendered.mentions) == ('<span class="mention' in rendered.html)


def test_nobody_is_looked_up_for_a_text_of_thousands_of_names() -> None:
    assert len(mentions.candidates("@aあ" * 5000)) <= mentions.MAX_CANDIDATES


def test_a_mention_is_marked_and_that_of_everyone_apart() -> None:
    assert '<span class="mention">@bob</span>' in render("hi @bob.", {"bob"})
    assert '<span class="mention mention-all">@all</span>' in render("hi @all.", {"all"})


# --- Emphasis ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**注意：**正文", "<strong>注意：</strong>正文"),
        ("~~删除。~~下文", "<s>删除。</s>下文"),
        ("これは**「重要」**です", "これは<strong>「重要」</strong>です"),
        ("**중요!**입니다", "<strong>중요!</strong>입니다"),
        ("前*（注）*后", "前<em>（注）</em>后"),
        ("这是**“重点”**内容", "这是<strong>“重点”</strong>内容"),
        ("見る**`code`**を", "見る<strong><code>code</code></strong>を"),
        ("_「重要」_です", "<em>「重要」</em>です"),
        ("a**「x」**b", "a<strong>「x」</strong>b"),
        ("報告_最終_版.pdf", "報告_最終_版.pdf"),
        ("snake_case_name", "snake_case_name"),
        ("** 注意 **", "** 注意 **"),
        ('a**"x"**b', 'a**"x"**b'),
    ],
)
def test_letters_and_punctuation_of_east_asia_do_not_forbid_emphasis(text: str, html: str) -> None:
    assert render(text) == f"<p>{html}</p>\n"


@given(
    st.text("字かカ한ㄱ。、：！「」（）", min_size=1, max_size=6),
    st.text("字かカ한。、「（", max_size=3),
    st.text("字かカ한。、」）", max_size=3),
    st.sampled_from([("**", "strong"), ("~~", "s"), ("*", "em")]),
)
def test_what_is_emphasised_in_a_script_without_spaces_is(
    inside: str, before: str, after: str, mark: tuple[str, str]
) -> None:
    sign, tag = mark
    html = render(f"{before}{sign}{inside}{sign}{after}")
    assert html == f"<p>{before}<{tag}>{inside}</{tag}>{after}</p>\n"


# --- Whatever is not empty is seen ------------------------------------------------------------


def seen(html: str) -> str:
    return unescape(re.sub(r"<hr[^>]*>", "—", re.sub(r"<(?!hr)[^>]*>", "", html)))


@pytest.mark.parametrize(
    "text",
    ["[10:30]: standup", "#", ">", "-", "1.", "```\n```", "[](http://x)", "> #", "&nbsp;", "# #",
     "- -\n- >", "[a]: b\n[c]: d", "| |\n|-|", "```info", "&#8203;", "\\", "~~~", "***", "[]()"],
)  # fmt: skip
def test_what_would_render_to_nothing_is_shown_as_written(text: str) -> None:
    html = render(text)
    assert is_visible(seen(html))
    if "<hr" not in html:
        assert "".join(seen(html).split()) == "".join(text.split())


@given(
    st.text(st.sampled_from("#>-+*_~`[]():|!=1.&;\\<x \n\t\"'^\u200b\xa0"), max_size=12)
    | st.text(max_size=6)
)
def test_every_message_that_is_not_empty_is_visible(text: str) -> None:
    try:
        kept = check_text(text)
    except InvalidCommand:
        assert not is_visible(text) or "\0" in text
        return
    assert is_visible(seen(render(kept)))


@pytest.mark.parametrize(
    "text", ["\u200b", "\u2800\u2800", "\u3164", "\u00ad \u200d\n", "\u202e", "\x01"]
)
def test_a_text_of_invisible_characters_alone_is_empty(text: str) -> None:
    with pytest.raises(InvalidCommand):
        check_text(text)
    assert check_text(text, may_be_empty=True) == ""


def test_links_are_not_defined_elsewhere_in_a_message() -> None:
    assert (
        "<a"
        not in render("[site]\n\n[site]: https://example.com")
        .replace(render("https://example.com"), "")
        .partition("[site]:")[0]
    )


def test_the_first_line_keeps_its_indentation_and_blank_lines_around_a_text_go() -> None:
    assert check_text(" \n\t\n    code\n  more \n \n") == "    code\n  more"
    assert render(check_text("\n    code")) == "<pre><code>code\n</code></pre>\n"


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


HOST = "https://host.example"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://bücher.example/", "https://bücher.example/"),
        ("https://bu\u0308cher.example/", "https://bücher.example/"),
        ("https://my_service.local/x", "https://my_service.local/x"),
        ("https://उदाहरण.भारत/x", "https://उदाहरण.भारत/x"),
        ("https://shop東京.jp/", "https://shop東京.jp/"),
        ("https://ｅｘａｍｐｌｅ.com/", "https://example.com/"),
        ("https://example.com./x", "https://example.com./x"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("https://user@evil.example/x", None),
        ("https://user:pw@evil.example/x", None),
        ("https://my·host.example/", None),
        ("https://www.paral·lel.example/x", None),
        ("https://日本・東京.jp/", None),
        ("https://例子。中国/", None),
        ("https://i❤.ws/", None),
        ("https://ex%61mple.com", None),
        ("https://foo,bar.example/", None),
        ("https://my'host.example/", None),
        ("https://exa\u200bmple.com/", None),
        ("https://host.example:123456/", None),
        ("https://a..b/", None),
        ("https://-a.example", None),
        ("https://" + "a" * 64 + ".example", None),
        # Prose follows.
        *((HOST + end, HOST) for end in
          ["上", "에서", "です", "ครับ", "，好", "。好", "——我们", "·中文", "🎉", "۔", "।", "…", ")",
           "]", "”", "»", "'", ".", "-", "_", ",https"]),
        # Ends of paths.
        *((HOST + "/a" + end, HOST + "/a") for end in
          ["”", "’", "»", "›", "」", "“", "）", "]", "}", "],", "]和", "…", "…好", "——我们", "–中",
           "·中文", "・中", "۔ اور", "। और", "،", "؟", ".", "?!", "։", "።", "” and", "’ x"]),
        *((HOST + path, HOST + path) for path in
          ["/a_(b)", "/a[1]", "/{id}", "/L’Été", "/A–B", "/佐々木", "/x-中文", "/a·b",
           "?q=[a]&b={c}", "/a]b"]),
    ],
)  # fmt: skip
def test_an_address_has_its_whole_host_and_ends_before_the_sentence_does(
    text: str, address: str | None
) -> None:
    found = re.findall('href="([^"]*)"', render(text))
    assert [unquote(unescape(each)) for each in found[:1]] == (
        [unquote(_PARSER.normalizeLink(address))] if address else []
    )


LABEL = st.text(
    st.characters(categories=["Ll", "Lo", "Mn", "Nd", "So"]) | st.sampled_from("·・_-%@"),
    min_size=1,
    max_size=5,
)


@given(
    st.lists(LABEL | st.just("xn--a"), min_size=1, max_size=4),
    st.sampled_from(["", "/", "/x", ":80/", "?q"]),
)
def test_a_host_is_linked_whole_or_not_at_all(labels: list[str], rest: str) -> None:
    host = ".".join(labels)
    found = re.findall('href="https?://([^"/?:]*)', render(f"https://{host}{rest}"))
    if rest:
        whole = re.search("//([^/?:]*)", _PARSER.normalizeLink(
            f"https://{unicodedata.normalize('NFKC', host).lower()}/"
        ))  # fmt: skip
        assert whole is not None
        assert found in ([], [whole[1]])


def test_a_link_with_codes_that_are_no_text_is_shown_as_written() -> None:
    for text in (
        "https://example.com/%E9",
        "<https://example.com/%E9>",
        "https://example.com/%E2%80%AEx",
    ):
        assert f">{text.strip('<>')}</a>" in render(text)
    assert ">https://example.com/文</a>" in render("https://example.com/%E6%96%87")


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
    read_text = read(text, {"alice"})
    assert read_text.html.startswith("<pre>&lt;b&gt;@alice&lt;/b&gt; **x**")
    assert read_text.mentions == []
