"""Every visible string exists in both languages: catalogues, templates, refusals."""

import re
from pathlib import Path

import polib
import pytest
from django.test import Client

from accounts.models import User
from tests.support.people import PASSWORD
from tools import messages, sentences, visible

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(messages.CATALOGUE))


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", text))


def test_every_message_of_the_project_is_translated(catalogue: polib.POFile) -> None:
    assert messages.missing(catalogue, messages.extract()) == []


def test_no_translation_is_left_of_what_is_gone(catalogue: polib.POFile) -> None:
    used = {(context, message) for context, message, _plural in messages.extract()}
    assert [entry.msgid for entry in catalogue if (entry.msgctxt, entry.msgid) not in used] == []


def test_placeholders_survive_translation(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        translations = [entry.msgstr, *entry.msgstr_plural.values()]
        for translation in filter(None, translations):
            assert placeholders(translation) == placeholders(entry.msgid), entry.msgid


def test_translations_are_chinese(catalogue: polib.POFile) -> None:
    untouched = [
        entry.msgid
        for entry in catalogue
        if not CHINESE.search(entry.msgstr or entry.msgstr_plural.get(0, ""))
    ]
    assert untouched == []


TEMPLATES = [
    path for suffix in ("html", "txt") for path in sorted(messages.TEMPLATES.rglob(f"*.{suffix}"))
]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_text_outside_translate(path: Path) -> None:
    assert visible.untranslated(path) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ("<p>{% if a %}Hello{% else %}{{ b }}, Bye{% endif %}</p>", ["Hello , Bye"]),
        ('<a href="/x" title="Go on">→</a>', ["Go on"]),
        ('<input type="submit" value="Save"><input name="x" value="raw">', ["Save"]),
        ('<img alt="A {{ kind }} car">', ["A car"]),
        ('{{ name|default:"Nobody" }}', ["Nobody"]),
        ('{% include "x.html" with label="Go on" %}', ["Go on"]),
        ('<p class="Hello" data-x="Hello">{% translate "Hello" %}</p>', []),
        ("{% blocktranslate %}Hello {{ name }}{% endblocktranslate %}", []),
        ("{# Hello #}{% comment %}Hello{% endcomment %}<!-- Hello -->", []),
        ("<script>const hello = 'Hello'</script><p>·</p> 404", []),
        ("{% block icon %}info{% endblock %}", []),
    ],
)
def test_text_outside_translate_is_found(tmp_path: Path, source: str, found: list[str]) -> None:
    path = tmp_path / "page.html"
    path.write_text(source)
    assert visible.untranslated(path) == found


def test_no_sentence_of_a_refusal_has_values_that_no_catalogue_can_hold() -> None:
    mixed = [sentence for sentence in sentences.sentences(messages.ROOT) if sentence.mixed]
    assert mixed == []


def test_the_extractor_sees_python_and_templates() -> None:
    found = {message: places for (_context, message, _plural), places in messages.extract().items()}
    assert any(path == "accounts/login/forms.py" for path, _line in found["Username or email"])
    assert any(path == "templates/accounts/login.html" for path, _line in found["Sign in"])
    assert "Token “%(name)s” is ready" in found


def test_pages_speak_chinese_to_who_wants_it(mina: User) -> None:
    client = Client(headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    page = client.get("/accounts/login/")
    assert page["Content-Language"] == "zh-hans"
    assert "<title>登录 · Pitwall</title>" in page.content.decode()
    form = {"username": "mina", "password": "wrong"}
    assert "还可再试 4 次" in client.post("/accounts/login/", form).content.decode()
    client.post("/accounts/login/", {"username": "mina", "password": PASSWORD})
    assert "已登录的设备" in client.get("/accounts/profile/security/").content.decode()


def test_the_language_can_be_chosen(browser: Client) -> None:
    browser.post("/i18n/setlang/", {"language": "zh-hans", "next": "/accounts/profile/"})
    assert 'lang="zh-hans"' in browser.get("/accounts/profile/").content.decode()
