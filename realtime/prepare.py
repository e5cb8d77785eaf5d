"""What apps want in place before the first start: `manage.py prepare` runs it after migrating."""

from __future__ import annotations

from collections.abc import Callable

Step = Callable[[], None]
_steps: list[Step] = []


def register(step: Step) -> Step:
    """Have `step` run at every prepare; it must be idempotent. Usable as a decorator."""
    if step not in _steps:
        _steps.append(step)
    return step


def run() -> None:
    """Run every registered step, in the order of registration."""
    for step in _steps:
        step()
