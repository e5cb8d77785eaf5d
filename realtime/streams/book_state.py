"""The state of one book in a process: when each level changed, and what subscribers need. Pure.

Quantities are absolute, so any number of updates can be sent as one: the levels that changed since
a sequence, as they are now. For each level the state remembers when it last changed, but for no
more levels than the book has: a subscriber that lags more gets a snapshot, which is smaller.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Hashable
from itertools import takewhile
from typing import Any, NamedTuple, Protocol, Self

# Updates that may wait for a book to be loaded; with more, it is loaded once more.
MAX_WAITING = 1000

Level = Hashable


class BookUpdate(NamedTuple):
    """The changes to a book by the commands from `first_sequence` to `last_sequence`.

    Args:
        changes: the absolute quantities of the changed levels as of `last_sequence`; JSON in
            whatever shape the book's own type reads.
    """

    first_sequence: int
    last_sequence: int
    changes: Any


class Book(Protocol):
    """A book and its frames, implemented by the app that owns it.

    A level is whatever the app tells levels apart by: side and price, for example.
    """

    @property
    def sequence(self) -> int:
        """The sequence of the last command that the book includes."""

    def __len__(self) -> int:
        """Return the number of levels."""

    def apply(self, changes: Any, sequence: int) -> Collection[Level]:
        """Apply the changes of an update that ends at `sequence`. Returns their levels."""

    def difference(self, newer: Self) -> Collection[Level]:
        """Return the levels whose quantity differs in `newer`, or that only one of them has."""

    def snapshot(self) -> bytes:
        """Return the JSON frame that replaces a client's book with this one."""

    def update(self, first_sequence: int, levels: Collection[Level]) -> bytes:
        """Return the JSON frame that brings a client's book from `first_sequence` - 1 to this one.

        It holds the current quantities of `levels`: a level that is gone has the quantity 0.
        """


class BookState:
    """A book that is loaded once, follows its updates, and is loaded again after a loss."""

    def __init__(self) -> None:
        self._book: Book | None = None
        # The sequence at which each level last changed, in ascending order.
        self._changed: OrderedDict[Level, int] = OrderedDict()
        # Every level that changed after this sequence is remembered.
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
        """Apply an update; updates may come in any order and more than once.

        Returns false if an earlier one is missing: then this one waits for `take_over`.
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
        """Go on from a book that was loaded; its differences become one update.

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
        # The next book that is loaded includes the updates that still do not fit.
        self._waiting.clear()
        return complete

    def take_frames(self) -> tuple[int, list[bytes]]:
        """Return the sequence as of the last call, and the updates since."""
        frames, self._frames = self._frames, []
        told, self._told = self._told, self.sequence
        return told, frames

    def since(self, sequence: int | None) -> bytes:
        """Return the frame that brings a client from `sequence` (None: it has no book) to now."""
        assert self._book is not None
        if sequence is None or not self._floor <= sequence <= self._book.sequence:
            return self._book.snapshot()
        newer = takewhile(lambda entry: entry[1] > sequence, reversed(self._changed.items()))
        return self._book.update(sequence + 1, [level for level, _ in newer])

    def _note(self, before: int, levels: Collection[Level]) -> None:
        """Record that the book has moved on from `before`, and that these levels have changed."""
        assert self._book is not None
        for level in levels:
            self._changed[level] = self._book.sequence
            self._changed.move_to_end(level)
        while len(self._changed) > len(self._book):
            _, self._floor = self._changed.popitem(last=False)
        self._frames.append(self._book.update(before + 1, levels))
