"""Sentences shown to users when something is refused, found in the source: they are not marked.

A sentence begins with a capital and ends with a full stop. The sentences of the modules listed here
reach users on the pages. Text that only the author of a client sees stays in English.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# The pages show the refusals of these modules unchanged.
FOR_PEOPLE = (
    "accounts/hashing.py",
    "accounts/policy.py",
    "accounts/selectors.py",
    "accounts/services/*.py",
    "chat/policy.py",
    "chat/search/queries.py",
    "chat/selectors/*.py",
    "chat/services/*.py",
    "chat/text/checking.py",
    "chat/files/uploads.py",
    "notifications/selectors.py",
    "notifications/services/*.py",
    "realtime/database/threads.py",
    "realtime/database/turns.py",
    "realtime/sockets/dispatch.py",
    "realtime/http/problems.py",
)
# The arguments of these are for the log, or for a programmer who called something wrongly.
FOR_PROGRAMMERS = {
    "AssertionError", "KeyError", "RuntimeError", "TypeError", "ValueError", "UnknownAction",
    "InvalidJSON", "debug", "info", "warning", "error", "exception",
}  # fmt: skip
_SENTENCE = re.compile(r"[A-Z@%“{-].* .*[.!?]", re.DOTALL)


class Sentence(NamedTuple):
    """A sentence and its position. `mixed`: it contains values, so no catalogue can hold it."""

    path: str
    line: int
    text: str
    mixed: bool


def sentences(root: Path) -> Iterator[Sentence]:
    """Yield all sentences shown to users, except those in docstrings or logs.

    Raises:
        FileNotFoundError: a listed module no longer exists.
    """
    for pattern in FOR_PEOPLE:
        paths = sorted(root.glob(pattern))
        if not paths:
            raise FileNotFoundError(f"{pattern} has moved: name its new place in FOR_PEOPLE.")
        for path in paths:
            tree = ast.parse(path.read_text())
            skipped = _skipped(tree)
            for node in ast.walk(tree):
                text = None if id(node) in skipped else _text(node)
                if text is not None and _SENTENCE.fullmatch(text):
                    mixed = isinstance(node, ast.JoinedStr)
                    place = path.relative_to(root).as_posix()
                    yield Sentence(place, node.lineno, text, mixed)  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return None


def _skipped(tree: ast.AST) -> set[int]:
    """Return the ids of nodes to skip: docstrings, parts of f-strings, text for programmers."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            found.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            found |= {id(part) for part in ast.walk(node)} - {id(node)}
        elif isinstance(node, ast.Call) and _name(node.func) in FOR_PROGRAMMERS:
            found |= {id(part) for part in ast.walk(node)}
    return found


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))
