"""Items that apps register for their streams, by stream name. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class ByStreamName(Generic[T]):
    """One item per stream, registered for its name or for a prefix shared by several.

    Args:
        what: the sort of item, for the message if none was registered.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> None:
        """Register `item` for the stream `name`, or as a prefix of names if it ends in a colon."""
        self._items[name] = item

    def find(self, name: str) -> T:
        """Return the item registered for the stream of that name.

        Raises:
            LookupError: there is none.
        """
        prefix, colon, _ = name.partition(":")
        for known in (name, prefix + colon):
            if known in self._items:
                return self._items[known]
        raise LookupError(f"No {self._what} are registered for the stream {name}.")
