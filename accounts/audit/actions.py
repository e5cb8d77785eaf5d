"""The registry of audited actions: codes with translated labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise

MAX_CODE = 60
_CODE = re.compile(r"[a-z]+(_[a-z]+)+")
_actions: dict[str, Promise] = {}


def action(code: str, label: Promise) -> str:
    """Register an action and return its code, which never changes.

    Args:
        code: a verb and a noun in snake_case, such as `change_role`.
        label: what happened, as a lazy translation: "Role changed".

    Raises:
        ValueError: the code is not of that form, or another action has it.
    """
    if not _CODE.fullmatch(code) or len(code) > MAX_CODE:
        raise ValueError(f"{code!r} is not a verb and a noun in snake_case.")
    if _actions.setdefault(code, label) is not label:
        raise ValueError(f"The action {code!r} is registered already.")
    return code


def actions() -> Mapping[str, Promise]:
    """Return all registered actions: labels by code."""
    return MappingProxyType(_actions)


def label_of(code: str) -> str:
    """Return the label of an action in the active language, or the code if it is not registered."""
    return str(_actions.get(code, code))
