"""Registries of named items that apps offer: one class for all of them.

Apps fill registries when Django starts (AppConfig.ready imports the modules that register).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Items of one sort, each under its own name, in the order of their registration.

    Args:
        what: the sort in the singular, for messages: "worker".
        name_of: returns the name of an item; its attribute `name` unless given.
    """

    def __init__(self, what: str, name_of: Callable[[T], str] = attrgetter("name")) -> None:
        self._what = what
        self._name_of = name_of
        self._items: dict[str, T] = {}

    def register(self, item: T) -> T:
        """Add an item and return it: usable as a decorator. Adding the same item twice is allowed.

        Raises:
            ValueError: another item has its name.
        """
        name = self._name_of(item)
        if self._items.setdefault(name, item) != item:
            raise ValueError(f"There are two {self._what}s of the name {name!r}.")
        return item

    def unregister(self, name: str) -> None:
        """Remove the item of that name.

        Raises:
            KeyError: there is none.
        """
        del self._items[name]

    def get(self, name: str) -> T | None:
        """Return the item of that name, or None."""
        return self._items.get(name)

    def __getitem__(self, name: str) -> T:
        if name not in self._items:
            raise KeyError(f"There is no {self._what} {name!r}; there are: {self._listed()}.")
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(self._items)

    def __repr__(self) -> str:
        return f"<Registry of {self._what}s: {self._listed()}>"

    def _listed(self) -> str:
        return ", ".join(self.names()) or "none"


def qualified_name(item: Callable[..., object]) -> str:
    """Return a name for a function or class that has no other: its module and its own name."""
    return f"{item.__module__}.{item.__qualname__}"
