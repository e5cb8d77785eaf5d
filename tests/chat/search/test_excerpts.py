"""What is kept of a text for searches, and excerpts: right for every text, and soon."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.folding import fold_for_search
from chat.search.excerpts import EXCERPT_LENGTH, MAX_SEARCH_LENGTH, PIECE, excerpt, searchable

# Marks, jamo and vowel signs that join the letter before them, and what is not drawn between.
JOINING = "a\u0301\u0345\u0f71\u0f73\u1100\u1161\u11a8\u314f\uff9e\u0b47\u0b3e\u200d\u00adß İ\n"
texts = st.text(st.one_of(st.sampled_from(JOINING), st.characters()), max_size=60)


@given(texts, st.integers(0, 40))
def test_a_text_folded_in_pieces_is_as_folded_whole(text: str, shift: int) -> None:
    # Somewhere about the end of a piece.
    long = "x" * (PIECE - shift) + text
    assert searchable(long) == fold_for_search(long)


@given(texts)
def test_a_word_of_a_long_text_is_in_its_excerpt(word: str) -> None:
    folded = fold_for_search(word).strip()
    text = "早" * 3000 + " " + word + " " + "晚" * 3000
    found = excerpt(text, [folded]) if folded and folded not in "早晚" else None
    if found is not None:
        span = found.ranges[0]
        assert folded in fold_for_search(found.text[span.start : span.end])
        assert len(found.text) <= EXCERPT_LENGTH + 2


def test_what_is_kept_for_searches_grows_no_further_than_twice_the_longest_text() -> None:
    assert len(fold_for_search("ﷺ" * 1000)) == 18_000
    assert len(searchable("ﷺ" * 16_000)) == MAX_SEARCH_LENGTH


@pytest.mark.parametrize(
    "letter",
    ["\u0345\u0334", "\u0f73", "ﷺ", "\u1100\u1161", "\u3164", "é ", "x"],
    ids=lambda letter: ascii(letter),
)
@pytest.mark.parametrize(
    "function", [searchable, lambda text: excerpt(text + "needle", ["needle"])]
)
def test_twice_the_text_takes_twice_the_time(
    function: Callable[[str], object], letter: str
) -> None:
    text = "".join(sorted(letter * (8000 // len(letter)), reverse=True))
    one, two = _seconds(function, text), _seconds(function, text * 2)
    assert two < 3 * one + 0.002


def _seconds(function: Callable[[str], object], text: str) -> float:
    """The fastest of five runs: the others were interrupted."""
    taken = []
    for _ in range(5):
        begun = perf_counter()
        function(text)
        taken.append(perf_counter() - begun)
    return min(taken)
