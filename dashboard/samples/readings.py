"""Readings that have no series yet. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.samples.tags import Tags


@dataclass(frozen=True)
class SourceReading:
    """A source's reading: `at` in microseconds since the epoch, `tags` without `source`."""

    source_id: int
    metric: str
    at: int
    value: float
    tags: Tags = ()

    @property
    def place(self) -> tuple[int, str, Tags]:
        """The key of the series that it belongs to."""
        return self.source_id, self.metric, self.tags
