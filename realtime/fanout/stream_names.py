"""What apps register for their streams, by the streams' names. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class ByStreamName(Generic[T]):
    """Something for each stream: registered for its name, or for how the names of several begin.

    Args:
        what: what is registered, for the message when it was forgotten.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> None:
        """Register `item` for the stream `name`, or for all that begin so if it ends in a colon."""
        self._items[name] = item

    def find(self, name: str) -> T:
        """What was registered for the stream of that name.

        Raises:
            LookupError: nothing was.
        """
        prefix, colon, _ = name.partition(":")
        for known in (name, prefix + colon):
            if known in self._items:
                return self._items[known]
        raise LookupError(f"No {self._what} are registered for the stream {name}.")
