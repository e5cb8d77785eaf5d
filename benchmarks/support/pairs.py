"""Paired alternating runs: on a shared machine, only ratios of adjacent runs are meaningful.

All contenders run once, then all again, and so on. The result for each is its median, and for two
of them the median of the ratios of each round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

Result = Mapping[str, Any]
Rounds = dict[str, list[Result]]


def alternate(runs: Mapping[str, Callable[[], Result]], rounds: int) -> Rounds:
    """Run everything in turn, `rounds` times; every other round runs in reverse order."""
    results: Rounds = {name: [] for name in runs}
    for number in range(rounds):
        for name in list(runs) if number % 2 == 0 else list(reversed(runs)):
            results[name].append(runs[name]())
    return results


def middle(results: list[Result], value: Callable[[Result], float]) -> float:
    """Return the median over the rounds."""
    return median(map(value, results))


def ratio(results: Rounds, name: str, baseline: str, value: Callable[[Result], float]) -> float:
    """Return the median over the rounds of `name`'s value divided by `baseline`'s."""
    pairs = zip(results[name], results[baseline], strict=True)
    return median(
        value(one) / value(other) if value(other) else float("inf") for one, other in pairs
    )
