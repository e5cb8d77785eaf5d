"""Reads of the metrics of a workspace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dashboard.models import Metric
from dashboard.selectors.live import Latest, live_series
from realtime.errors import NotFound


@dataclass(frozen=True)
class MetricState:
    """A metric and the newest value of its live series; `latest` is None before any sample."""

    metric: Metric
    simulated: bool
    latest: Latest | None


def metric_states(workspace_id: int) -> list[MetricState]:
    """Return all metrics of a workspace, system first, with their newest values."""
    live = {series.metric_id: series for series in live_series(workspace_id)}
    metrics = Metric.objects.filter(workspace_id=workspace_id)
    order = {group: place for place, group in enumerate(Metric.Group.values)}
    return [
        _state(metric, live.get(metric.pk))
        for metric in sorted(metrics, key=lambda m: (order[m.group], m.pk))
    ]


def metric_names(workspace_id: int) -> set[str]:
    return set(Metric.objects.filter(workspace_id=workspace_id).values_list("name", flat=True))


def require_metrics(*, workspace_id: int, names: Iterable[str]) -> None:
    """Check that all these metrics exist in the workspace.

    Raises:
        NotFound: some do not; the message names the first ten.
    """
    unknown = sorted(set(names) - metric_names(workspace_id))
    if unknown:
        raise NotFound(f"No such metric: {', '.join(unknown[:10])}.")


def _state(metric: Metric, series: Any) -> MetricState:
    if series is None:
        return MetricState(metric, simulated=False, latest=None)
    latest = None
    if series.newest_at is not None:
        latest = Latest(series.newest_at, series.newest_value)
    return MetricState(metric, series.simulated, latest)
