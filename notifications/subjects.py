"""What notifications are about: a thing of some app, and a place in its sequence. Pure.

A room, an alert, an order or a job is a subject. By it an app marks as read what was told of the
thing, takes back what was quoted of it, and finds who has been told.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_SUBJECT_KIND = 40


class Subject(NamedTuple):
    """One thing: its kind ("room", "alert"), and its id among the things of that kind."""

    kind: str
    id: int


class Seen(NamedTuple):
    """A user has seen a subject: `through` a sequence, or with None all of it."""

    subject: Subject
    user_id: int
    through: int | None = None

    def covers(self, sequence: int | None) -> bool:
        """Whether what was told of `sequence` (None: of the subject as a whole) has been seen."""
        if self.through is None:
            return True
        return sequence is not None and sequence <= self.through
