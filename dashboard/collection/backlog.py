"""Backlog of readings that are not stored yet, oldest first, limited to some minutes. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.samples.readings import SourceReading


@dataclass(frozen=True)
class Batch:
    """The readings of one workspace from one tick (epoch seconds)."""

    workspace_id: int
    tick: int
    rows: tuple[SourceReading, ...]


class Backlog:
    """Keeps the newest `keep_seconds` of batches; drops older ones and counts their readings."""

    def __init__(self, keep_seconds: int) -> None:
        self._keep = keep_seconds
        self._batches: deque[Batch] = deque()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._batches)

    def add(self, batch: Batch) -> None:
        self._batches.append(batch)
        oldest = batch.tick - self._keep
        while self._batches[0].tick < oldest:
            self.lost += len(self._batches.popleft().rows)

    def peek(self, limit: int) -> Sequence[Batch]:
        """Return the next batches to store: up to `limit`, of the workspace waiting longest."""
        if not self._batches:
            return ()
        workspace_id = self._batches[0].workspace_id
        found: list[Batch] = []
        for batch in self._batches:
            if batch.workspace_id == workspace_id:
                found.append(batch)
                if len(found) == limit:
                    break
        return found

    def newest_of(self, workspace_id: int) -> Batch | None:
        """Return the last batch of that workspace."""
        return next((b for b in reversed(self._batches) if b.workspace_id == workspace_id), None)

    def remove(self, batches: Sequence[Batch]) -> None:
        """Remove batches that are stored; some may have been dropped meanwhile."""
        gone = {id(batch) for batch in batches}
        self._batches = deque(batch for batch in self._batches if id(batch) not in gone)

    def take_lost(self) -> int:
        """Return the number of readings dropped since the last call."""
        lost, self.lost = self.lost, 0
        return lost
