"""Reads of the metrics of a workspace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.policy import Action, require
from dashboard.models import Metric, Series
from dashboard.selectors.live import Latest, live_series
from realtime.auth import Principal
from realtime.errors import NotFound


@dataclass(frozen=True)
class MetricState:
    """A metric and the newest value of its live series; `latest` is None before any sample."""

    metric: Metric
    simulated: bool
    latest: Latest | None


def metric_states(principal: Principal) -> list[MetricState]:
    """Return all metrics of the workspace, system first, with their newest values.

    Raises:
        PermissionDenied: the role does not allow viewing dashboards.
    """
    require(principal, Action.VIEW_DASHBOARDS)
    workspace_id = principal.workspace_id
    live = {series.metric_id: series for series in live_series(workspace_id)}
    metrics = Metric.objects.filter(workspace_id=workspace_id)
    order = {group: place for place, group in enumerate(Metric.Group.values)}
    return [
        _state(metric, live.get(metric.pk))
        for metric in sorted(metrics, key=lambda m: (order[m.group], m.pk))
    ]


def metric_names(principal: Principal) -> set[str]:
    """Return the names of all metrics of the workspace.

    Raises:
        PermissionDenied: the role does not allow viewing dashboards.
    """
    require(principal, Action.VIEW_DASHBOARDS)
    metrics = Metric.objects.filter(workspace_id=principal.workspace_id)
    return set(metrics.values_list("name", flat=True))


def require_metrics(principal: Principal, names: Iterable[str]) -> None:
    """Check that all these metrics exist in the workspace, and that the principal may see them.

    Raises:
        PermissionDenied: the role does not allow viewing dashboards.
        NotFound: some do not exist; the message names the first ten.
    """
    wanted = set(names)
    require(principal, Action.VIEW_DASHBOARDS)
    unknown = sorted(wanted - metric_names(principal)) if wanted else []
    if unknown:
        raise NotFound(f"No such metric: {', '.join(unknown[:10])}.")


def series_of(principal: Principal, name: str) -> list[Series]:
    """Return the series of a metric, measured ones first.

    Raises:
        PermissionDenied: the role does not allow viewing dashboards.
        NotFound: there is no such metric.
    """
    require_metrics(principal, [name])
    found = Series.objects.filter(metric__workspace_id=principal.workspace_id, metric__name=name)
    return list(found.select_related("source", "created_by").order_by("simulated", "id"))


def _state(metric: Metric, series: Any) -> MetricState:
    if series is None:
        return MetricState(metric, simulated=False, latest=None)
    latest = None
    if series.newest_at is not None:
        latest = Latest(series.newest_at, series.newest_value)
    return MetricState(metric, series.simulated, latest)
