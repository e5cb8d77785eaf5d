"""The decimals that values need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.samples.decimals import MAX_DECIMALS, needed


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([], 0),
        ([96.0], 0),
        ([96.5], 1),
        ([1.0855], 4),
        ([1234.5678], 4),
        ([1.0, 1.5, 1.0855], 4),
        ([0.1 + 0.2], 1),
        ([10 / 3], 5),
        ([1.00000001], 5),
        ([67432.123456789], 1),
        ([-0.000123456789], 6),
        ([1e-8], 6),
        ([1e200], 0),
        ([-0.25], 2),
        ([67432.0], 0),
    ],
)
def test_values_need_as_many_decimals_as_were_written(values: list[float], decimals: int) -> None:
    assert needed(values) == decimals


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=MAX_DECIMALS))
def test_what_was_written_with_six_decimals_is_shown_as_written(written: object) -> None:
    value = float(str(written))
    assert float(f"{value:.{needed([value])}f}") == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_needs_from_none_to_six(value: float) -> None:
    assert 0 <= needed([value]) <= MAX_DECIMALS
