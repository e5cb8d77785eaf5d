"""Readings in the format of a process's row: compact, and readable by older and newer releases.

Readings of one name, workspace and set of tag names share a group that names these once:
`{"n": "spread", "w": 3, "t": ["symbol"], "r": [["ACME", 0.02], ["BOLT", 0.05]]}`. Groups that
another release wrote and this one does not understand are skipped. Pure.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

NO_TAGS: Mapping[str, str] = {}


class Reading(NamedTuple):
    """One number: `workspace` is the id of its workspace, None if it belongs to no single one."""

    name: str
    value: float
    workspace: int | None = None
    tags: Mapping[str, str] = NO_TAGS


def pack(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """Return readings as JSON values, grouped."""
    groups: dict[tuple[str, int | None, tuple[str, ...]], list[list[str | float]]]
    groups = defaultdict(list)
    for reading in readings:
        names = tuple(sorted(reading.tags))
        row: list[str | float] = [*(reading.tags[name] for name in names), reading.value]
        groups[reading.name, reading.workspace, names].append(row)
    return [
        {"n": name, "w": workspace, "t": list(names), "r": rows}
        for (name, workspace, names), rows in groups.items()
    ]


def unpack(groups: object) -> list[Reading]:
    """Return the readings in groups that `pack` made."""
    if not isinstance(groups, list):
        return []
    return [reading for group in groups for reading in _readings(group)]


def _readings(group: Any) -> Iterator[Reading]:
    try:
        name, workspace, names, rows = group["n"], group["w"], group["t"], group["r"]
        found = [
            Reading(name, float(value), workspace, dict(zip(names, values, strict=True)))
            for *values, value in rows
        ]
    except (KeyError, TypeError, ValueError):
        return
    yield from (reading for reading in found if math.isfinite(reading.value))
