"""One book as a process knows it: what changed when, and what each follower needs. Pure.

Quantities are absolute, so any number of updates may be told as one: the levels that changed since
a sequence, as they are now. The state remembers for each level when it changed last, and no more
of them than the book has levels: a follower that lags further gets a snapshot, which is smaller.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Hashable
from itertools import takewhile
from typing import Any, NamedTuple, Protocol, Self

# Updates that wait for a book to be loaded; beyond them it is loaded once more.
MAX_WAITING = 1000

Level = Hashable


class BookUpdate(NamedTuple):
    """What the commands from `first_sequence` to `last_sequence` have changed in a book.

    Args:
        changes: the absolute quantities of the levels that changed, as they are after
            `last_sequence`; JSON in whatever shape the book's own type reads.
    """

    first_sequence: int
    last_sequence: int
    changes: Any


class Book(Protocol):
    """A book and its frames as the app that it belongs to writes them.

    A level is whatever the app tells levels apart by: side and price, say.
    """

    @property
    def sequence(self) -> int:
        """The sequence of the last command that is in it."""

    def __len__(self) -> int:
        """How many levels it has."""

    def apply(self, changes: Any, sequence: int) -> Collection[Level]:
        """Take in the changes of an update that ends at `sequence`. Returns their levels."""

    def difference(self, newer: Self) -> Collection[Level]:
        """The levels whose quantity is another in `newer`, those that only one of them has too."""

    def snapshot(self) -> bytes:
        """The JSON frame that replaces a client's book by this one."""

    def update(self, first_sequence: int, levels: Collection[Level]) -> bytes:
        """The JSON frame that makes this book of a client's as of `first_sequence` - 1.

        It holds what these levels have now: a level that is gone has the quantity 0.
        """


class BookState:
    """A book that is loaded once, follows its updates, and is loaded again after a loss."""

    def __init__(self) -> None:
        self._book: Book | None = None
        # When each level changed last, in the order of these sequences.
        self._changed: OrderedDict[Level, int] = OrderedDict()
        # Of what changed after this sequence, every level is remembered.
        self._floor = 0
        self._waiting: deque[BookUpdate] = deque(maxlen=MAX_WAITING)
        self._frames: list[bytes] = []
        self._told = 0

    @property
    def is_loaded(self) -> bool:
        return self._book is not None

    @property
    def sequence(self) -> int:
        """The last sequence that is in the book; 0 before it is loaded."""
        return 0 if self._book is None else self._book.sequence

    def receive(self, update: BookUpdate) -> bool:
        """Take in an update, in whatever order they come and however often.

        Returns false if something before it is missing: then it waits for `take_over`.
        """
        if self._book is None or update.first_sequence > self._book.sequence + 1:
            self._waiting.append(update)
            return False
        if update.last_sequence > self._book.sequence:
            before = self._book.sequence
            levels = self._book.apply(update.changes, update.last_sequence)
            self._note(before, levels)
        return True

    def take_over(self, loaded: Book) -> bool:
        """Go on from a book that was loaded; what is different in it becomes one update.

        Returns false if something is still missing before an update that came meanwhile.
        """
        if self._book is None:
            self._book = loaded
            self._floor = self._told = loaded.sequence
        elif loaded.sequence > self._book.sequence:
            before, levels = self._book.sequence, self._book.difference(loaded)
            self._book = loaded
            self._note(before, levels)
        complete = True
        for update in sorted(self._waiting, key=lambda update: update.first_sequence):
            complete = self.receive(update) and complete
        # What still does not fit is in the book that is loaded next.
        self._waiting.clear()
        return complete

    def take_frames(self) -> tuple[int, list[bytes]]:
        """The updates since the last call, for those who were at the sequence that is returned."""
        frames, self._frames = self._frames, []
        told, self._told = self._told, self.sequence
        return told, frames

    def since(self, sequence: int | None) -> bytes:
        """The one frame that brings a client from `sequence` (None: it has no book) to now."""
        assert self._book is not None
        if sequence is None or not self._floor <= sequence <= self._book.sequence:
            return self._book.snapshot()
        newer = takewhile(lambda entry: entry[1] > sequence, reversed(self._changed.items()))
        return self._book.update(sequence + 1, [level for level, _ in newer])

    def _note(self, before: int, levels: Collection[Level]) -> None:
        """The book has gone on from `before`, and these levels have changed."""
        assert self._book is not None
        for level in levels:
            self._changed[level] = self._book.sequence
            self._changed.move_to_end(level)
        while len(self._changed) > len(self._book):
            _, self._floor = self._changed.popitem(last=False)
        self._frames.append(self._book.update(before + 1, levels))
