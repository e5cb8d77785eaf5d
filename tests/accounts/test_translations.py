"""Every visible string in both languages."""

import re
import string

import polib
import pytest
from django.test import Client

from accounts.models import User
from tests.support.people import PASSWORD
from tools import messages

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(messages.CATALOGUE))


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]", text))


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


def test_templates_hold_no_text_outside_translate() -> None:
    names = {"Pitwall", "UTC", "Authorization: Bearer", "404", "403", "500", "400"}
    for path in sorted((messages.ROOT / "templates").rglob("*.html")):
        text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", " ", path.read_text())
        text = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", " ", text, flags=re.DOTALL)
        text = re.sub(r"{% block (icon|\w+_class) %}.*?{% endblock %}", " ", text)
        text = re.sub(r"{%.*?%}|{{.*?}}", " ", text, flags=re.DOTALL)
        visible = [*re.sub(r"<[^>]*>", "\n", text).split("\n")]
        visible += re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', text)
        words = {word.strip(string.whitespace + "·…_—") for word in visible}
        letters = {word for word in words - names if re.search(r"[A-Za-z]{2}", word)}
        assert letters == set(), path.name


def test_the_extractor_sees_python_and_templates() -> None:
    found = {message: places for (_context, message, _plural), places in messages.extract().items()}
    assert any(path == "accounts/forms.py" for path, _line in found["Username or email"])
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
