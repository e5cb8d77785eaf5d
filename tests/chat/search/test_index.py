"""The search indexes: conditions that use them, and installations that may lack some of them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.folding import fold_for_search
from chat.search import index

postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="what is asked of PostgreSQL"
)


EXACT_BY_GRAMS = "(strpos(search_text, %s) > 0 AND chat_search_grams(search_text) @> %s::text[])"


@pytest.mark.parametrize(
    ("word", "sql", "parameters"),
    [
        ("deploy", "search_text LIKE %s", ["%deploy%"]),
        (
            "half%_off",
            "(search_text LIKE %s AND chat_search_grams(search_text) @> %s::text[])",
            ["%half\\%\\_off%", ["f%", "%_", "_o"]],
        ),
        ("ok", EXACT_BY_GRAMS, ["ok", ["ok"]]),
        ("c++", EXACT_BY_GRAMS, ["c++", ["c+", "++"]]),
        ("?", "strpos(search_text, %s) > 0", ["?"]),
        ("部", EXACT_BY_GRAMS, ["部", ["部"]]),
        ("部署", EXACT_BY_GRAMS, ["部署", ["部署"]]),
        ("部 署", EXACT_BY_GRAMS, ["部 署", ["部", "署"]]),
        ("发布v2计划", EXACT_BY_GRAMS, ["发布v2计划", ["发布", "布v", "2计", "计划"]]),
        (
            "deploy到",
            "(search_text LIKE %s AND chat_search_grams(search_text) @> %s::text[])",
            ["%deploy到%", ["y到"]],
        ),
    ],
)
def test_a_word_is_asked_for_so_that_an_index_can_help(
    word: str, sql: str, parameters: list[Any]
) -> None:
    assert index.condition(word) == (sql, parameters)


def _holds(text: str, word: str) -> bool:
    sql, parameters = index.condition(word)
    with connection.cursor() as cursor:
        asked = sql.replace("search_text", "t.search_text")
        cursor.execute(f"SELECT {asked} FROM (SELECT %s AS search_text) AS t", [*parameters, text])
        (found,) = cursor.fetchone()
    return bool(found)


LETTERS = st.sampled_from("abc1 %_\\'+中文部é🎉")
TEXT = st.text(LETTERS | st.characters(exclude_categories=["Cs", "Cc"]), max_size=30).map(
    fold_for_search
)


@postgresql
@pytest.mark.django_db
@given(TEXT, st.integers(0, 29), st.integers(1, 6))
def test_every_piece_of_a_text_is_found_in_it(text: str, start: int, length: int) -> None:
    piece = text[start : start + length]
    if not piece.strip() or index.is_short_word(piece):
        return
    assert _holds(text, piece)


@postgresql
@pytest.mark.django_db
@given(TEXT, TEXT.filter(bool))
def test_nothing_is_found_that_is_not_there(text: str, word: str) -> None:
    if not index.is_short_word(word):
        assert _holds(text, word) == (word in text)


@postgresql
@pytest.mark.django_db
def test_the_indexes_are_there_and_making_them_again_changes_nothing() -> None:
    call_command("index_search")
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'chat_message'")
        names = {name for (name,) in cursor.fetchall()}
    assert {"chat_message_grams", "chat_message_trigrams"} <= names


@postgresql
@pytest.mark.django_db
def test_without_the_extension_the_installation_goes_on_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(index, "TRIGRAM_INDEX", "CREATE INDEX x ON no_such_table (x)")
    with caplog.at_level(logging.WARNING):
        assert index.create(connection) is False
    assert "CREATE EXTENSION pg_trgm" in caplog.text
    with pytest.raises(CommandError, match="index_search"):
        call_command("index_search")
    # The migration's transaction is still usable.
    assert _holds("部署失败", "失败")
