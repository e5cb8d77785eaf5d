"""Folding: one rule for names and one for searches, whatever the database."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.folding import MAX_MARKS, cap_marks, fold, fold_for_search

# The front end folds what people type by the same cases.
CASES = json.loads((Path(__file__).parents[1] / "cases" / "folding.json").read_text())
# Marks, letters that become marks, joiners and letters that grow: what folding may stumble upon.
AWKWARD = (
    "a\u0301\u0345\u0334\u0f73\u0f71\uff9e\u034f\u200d\u00ad\u0130\u0131ßŉ´ς\u1100\u1161ﷺ 'и\u0306"
)
texts = st.text(
    st.one_of(st.sampled_from(AWKWARD), st.characters()), max_size=14
)  # too short for the cap on marks


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['a']} {case['b']}")
def test_what_is_the_same_is_found_alike_and_is_perhaps_one_name(case: dict[str, Any]) -> None:
    found_alike = fold_for_search(case["a"]) == fold_for_search(case["b"])
    one_name = fold(case["a"]) == fold(case["b"])
    assert (found_alike, one_name) == (case["same"], case["one_name"])


@given(texts)
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold_for_search(fold_for_search(text)) == fold_for_search(text)


@given(texts)
def test_what_is_one_name_is_found_alike(text: str) -> None:
    assume(not set(text) & set("\u00b4\u1ffd"))  # quotes to searches, an accent to names
    assert fold_for_search(fold(text)) == fold_for_search(text)


@given(texts)
def test_a_text_in_any_normal_form_and_any_case_folds_to_one(text: str) -> None:
    folded = fold(text)
    assert fold(unicodedata.normalize("NFC", text)) == folded
    assert fold(unicodedata.normalize("NFKD", text)) == folded
    assert fold(text.casefold()) == folded


def test_no_letter_carries_more_marks_than_any_language_puts_on_it() -> None:
    kept = cap_marks("a" + "\u0301" * 100 + "b" + "\u0f73" * 100)
    assert kept == "a" + "\u0301" * MAX_MARKS + "b" + "\u0f73" * MAX_MARKS
    assert cap_marks("Đặng café") == "Đặng café"


@pytest.mark.parametrize("function", [fold, fold_for_search])
@pytest.mark.parametrize(
    "pattern",
    [
        # Each is taken apart into marks that have to be sorted, thousands in a row.
        *("\u0345\u0334", "\u0f73", "\u0f81\u0f75", "\u0344\u0334", "\uff9e\u0345\u0334"),
        # What stands between marks and is not drawn does not part them.
        "\u0345\u0334\u034f\u200b",
    ],
)
def test_a_text_of_nothing_but_marks_is_folded_in_no_time(function: Any, pattern: str) -> None:
    attack = sorted(pattern * (16_000 // len(pattern)), reverse=True)
    assert _seconds(function, "".join(attack)) < 20 * _seconds(function, "é" * 16_000)


def _seconds(function: Any, text: str) -> float:
    """The fastest of three runs: the others were interrupted."""
    taken = []
    for _ in range(3):
        begun = perf_counter()
        function(text)
        taken.append(perf_counter() - begun)
    return min(taken)


def test_every_character_that_is_taken_apart_into_marks_counts_as_one() -> None:
    for code in range(sys.maxunicode + 1):
        first = unicodedata.normalize("NFKD", chr(code))[0]
        if unicodedata.combining(first):
            assert len(cap_marks(chr(code) * 40)) == MAX_MARKS, hex(code)
