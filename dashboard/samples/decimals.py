"""How many decimals values need to be shown with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

MAX_DECIMALS = 6
# A number with more decimals than can be shown was computed, and not written by somebody: of it
# this many digits count.
_SIGNIFICANT = 6


def needed(values: Iterable[float]) -> int:
    """The most decimals that any of these values needs: 4 for 1.0855, 0 for 96.0, at most 6."""
    return max((_needed(value) for value in values), default=0)


def _needed(value: float) -> int:
    decimals = _decimals(repr(value))
    if decimals > MAX_DECIMALS:
        decimals = _decimals(f"{value:.{_SIGNIFICANT}g}")
    return min(decimals, MAX_DECIMALS)


def _decimals(written: str) -> int:
    exponent = Decimal(written).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
