"""A small real book, as in docs/protocol/planned.md, and its venue.

Prices are integer ticks of 0.01. The venue takes the place of a database: it commits a change with
its sequence, and books are loaded from it.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from realtime.fanout import book
from realtime.streams.book_state import BookUpdate
from realtime.streams.log import StreamKey

PREFIX = "book:"
DEPTH = 10

Level = tuple[str, int]  # side, price in ticks
Changes = Sequence[tuple[str, int, int]]  # side, price in ticks, quantity; 0: removed


def key(symbol: str = "ACME") -> StreamKey:
    return StreamKey(1, PREFIX + symbol)


class ToyBook:
    """Quantities by side and price."""

    def __init__(
        self, symbol: str, sequence: int = 0, quantities: Mapping[Level, int] | None = None
    ) -> None:
        self.symbol = symbol
        self.sequence = sequence
        self.quantities = dict(quantities or {})

    def __len__(self) -> int:
        return len(self.quantities)

    def copy(self) -> ToyBook:
        return ToyBook(self.symbol, self.sequence, self.quantities)

    def apply(self, changes: Changes, sequence: int) -> list[Level]:
        for side, price, quantity in changes:
            if quantity:
                self.quantities[side, price] = quantity
            else:
                self.quantities.pop((side, price), None)
        self.sequence = sequence
        return [(side, price) for side, price, _ in changes]

    def difference(self, newer: ToyBook) -> list[Level]:
        changed = self.quantities.items() ^ newer.quantities.items()
        return sorted({level for level, _ in changed})

    def snapshot(self) -> bytes:
        return self._frame("book_snapshot", list(self.quantities), sequence=self.sequence)

    def update(self, first_sequence: int, levels: Collection[Level]) -> bytes:
        places = {"first_sequence": first_sequence, "last_sequence": self.sequence}
        return self._frame("book_update", levels, **places)

    def checksum(self) -> int:
        asks = sorted(price for side, price in self.quantities if side == "ask")[:DEPTH]
        bids = sorted((price for side, price in self.quantities if side == "bid"), reverse=True)
        text = "|".join(
            ",".join(f"{_price(price)}:{self.quantities[side, price]}" for price in prices)
            for side, prices in (("ask", asks), ("bid", bids[:DEPTH]))
        )
        return zlib.crc32(text.encode())

    def _frame(self, kind: str, levels: Collection[Level], **fields: Any) -> bytes:
        sides = {
            side: [
                [_price(price), str(self.quantities.get((side, price), 0))]
                for at, price in levels
                if at == side
            ]
            for side in ("bid", "ask")
        }
        frame = {"type": kind, "symbol": self.symbol, **fields}
        frame |= {"bids": sides["bid"], "asks": sides["ask"], "checksum": self.checksum()}
        return msgspec.json.encode(frame)


def _price(ticks: int) -> str:
    return f"{ticks // 100}.{ticks % 100:02}"


class Venue:
    """The committed books. Safe to use from several threads."""

    def __init__(self) -> None:
        self.loads = 0
        # Called by each load before it reads: tests make it fail or wait.
        self.before_load: Callable[[], None] = lambda: None
        self._books: dict[StreamKey, ToyBook] = {}
        self._lock = threading.Lock()

    def commit(self, *changes: tuple[str, int, int], symbol: str = "ACME") -> BookUpdate:
        """Change a book with one command; returns the update to publish."""
        with self._lock:
            found = self._books.setdefault(key(symbol), ToyBook(symbol))
            sequence = found.sequence + 1
            found.apply(changes, sequence)
            return BookUpdate(sequence, sequence, changes)

    def restore(self, backup: ToyBook) -> None:
        """Restore an earlier state of a book."""
        with self._lock:
            self._books[key(backup.symbol)] = backup.copy()

    def book(self, symbol: str = "ACME") -> ToyBook:
        """Return the current book."""
        with self._lock:
            return self._books.setdefault(key(symbol), ToyBook(symbol)).copy()

    def source(self) -> book.BookSource:
        return book.BookSource(self._load, self._sequences)

    def _load(self, wanted: StreamKey) -> ToyBook:
        self.loads += 1
        self.before_load()
        return self.book(wanted.name.removeprefix(PREFIX))

    def _sequences(self, wanted: Sequence[StreamKey]) -> dict[StreamKey, int]:
        with self._lock:
            return {each: self._books[each].sequence for each in wanted if each in self._books}


class ClientBook:
    """A client's book, built from its frames; checks each frame against the protocol."""

    def __init__(self) -> None:
        self.sequence: int | None = None
        self.sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
        self.snapshots = 0
        self.updates: list[tuple[int, int]] = []

    def take(self, frame: Mapping[str, Any]) -> None:
        if frame["type"] == "book_snapshot":
            self.sides = {"bids": {}, "asks": {}}
            self.sequence = frame["sequence"]
            self.snapshots += 1
        else:
            assert self.sequence is not None, "an update before any snapshot"
            first, last = frame["first_sequence"], frame["last_sequence"]
            assert first == self.sequence + 1, f"{first} follows {self.sequence}"
            assert last >= first
            self.sequence = last
            self.updates.append((first, last))
        for side, levels in self.sides.items():
            for price, quantity in frame[side]:
                if quantity == "0":
                    levels.pop(price, None)
                else:
                    levels[price] = quantity
        assert self.checksum() == frame["checksum"], f"another book than the server's: {frame}"

    def checksum(self) -> int:
        asks = sorted(self.sides["asks"].items(), key=lambda level: float(level[0]))
        bids = sorted(self.sides["bids"].items(), key=lambda level: -float(level[0]))
        text = "|".join(",".join(f"{p}:{q}" for p, q in side[:DEPTH]) for side in (asks, bids))
        return zlib.crc32(text.encode())

    def equals(self, other: ToyBook) -> bool:
        """Tell whether this is the complete `other` book, at the same sequence."""
        expected: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
        for (side, price), quantity in other.quantities.items():
            expected[f"{side}s"][_price(price)] = str(quantity)
        return (self.sequence, self.sides) == (other.sequence, expected)
