"""How many decimals values need to be shown with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

MAX_DECIMALS = 6
# A number with more decimals than can be shown was computed, and not written by somebody. Beyond so
# many digits it is rounding errors; if it is still too long, so many digits are shown.
_EXACT_DIGITS = 12
_SHOWN_DIGITS = 6


def needed(values: Iterable[float]) -> int:
    """The most decimals that any of these values needs: 4 for 1.0855, 0 for 96.0, at most 6."""
    return max((_needed(value) for value in values), default=0)


def _needed(value: float) -> int:
    decimals = _decimals(Decimal(repr(value)))
    if decimals <= MAX_DECIMALS:
        return decimals
    rounded = Decimal(f"{value:.{_EXACT_DIGITS}g}")
    decimals = _decimals(rounded)
    if decimals <= MAX_DECIMALS:
        return decimals
    return min(MAX_DECIMALS, max(0, _SHOWN_DIGITS - 1 - rounded.adjusted()))


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
