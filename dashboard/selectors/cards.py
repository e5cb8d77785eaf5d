"""Reads for the live cards of metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from dashboard.models import Metric, Sample
from dashboard.selectors.live import Latest, live_series


@dataclass(frozen=True)
class CardData:
    """A metric and the newest samples of its live series, oldest first."""

    metric: Metric
    simulated: bool
    points: list[Latest]


def card_data(*, workspace_id: int, names: Collection[str], points: int) -> dict[str, CardData]:
    """Return the existing ones of these metrics by name, each with up to `points` samples.

    If the samples are gone already, the newest value comes from the rollups.
    """
    metrics = Metric.objects.filter(workspace_id=workspace_id, name__in=names)
    found = {metric.name: CardData(metric, False, []) for metric in metrics}
    live: Iterable[Any] = live_series(workspace_id).filter(metric__name__in=found)
    for series in live:
        samples = Sample.objects.filter(series_id=series.pk).order_by("-at")
        newest = [Latest(*row) for row in samples.values_list("at", "value")[:points]]
        if not newest and series.newest_at is not None:
            newest = [Latest(series.newest_at, series.newest_value)]
        found[series.metric.name] = CardData(series.metric, series.simulated, newest[::-1])
    return found
