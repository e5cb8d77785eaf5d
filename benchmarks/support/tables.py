"""Tables that are readable as text and as Markdown, and comparisons with targets."""

from __future__ import annotations

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table. The first column is left-aligned, numbers are right-aligned."""
    cells = [list(map(str, headings)), *[list(map(_shown, row)) for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    lines = [_line(row, widths) for row in cells]
    rule = ["-" * widths[0], *["-" * (width - 1) + ":" for width in widths[1:]]]
    return "\n".join([lines[0], _line(rule, widths), *lines[1:]])


def parse(text: str) -> list[dict[str, str]]:
    """Return the rows of the first table in `text`, by heading.

    Raises:
        ValueError: there is no table, or a row's number of cells differs from the headings'.
    """
    lines = [line for line in text.splitlines() if line.startswith("|")]
    if len(lines) < 3:
        raise ValueError("There is no table here.")
    headings, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(headings, row, strict=True)) for row in rows]


def verdict(measured: float, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """Return a word that says whether a target is met, with the target."""
    if at_least is not None:
        return f"{'met' if measured >= at_least else 'MISSED'} (≥ {at_least:g})"
    assert at_most is not None
    return f"{'met' if measured <= at_most else 'MISSED'} (≤ {at_most:g})"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    padded = [first.ljust(widths[0])]
    padded += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
    return f"| {' | '.join(padded)} |"


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
