"""Subjects of notifications: an object of some app, and a place in its sequence. Pure.

A room, an alert, an order or a job is a subject. With it an app marks notifications about the
object as read, retracts text that they quote, and finds the users who were notified.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_SUBJECT_KIND = 40


class Subject(NamedTuple):
    """One object: its kind ("room", "alert"), and its id among the objects of that kind."""

    kind: str
    id: int


class Seen(NamedTuple):
    """A user has seen a subject up to and including sequence `through`; with None, all of it."""

    subject: Subject
    user_id: int
    through: int | None = None

    def covers(self, sequence: int | None) -> bool:
        """Return True if the user has seen `sequence` (None: the subject as a whole)."""
        if self.through is None:
            return True
        return sequence is not None and sequence <= self.through
