"""Metrics and series that a workspace's admins delete."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.policy import Action, require
from dashboard.models import Metric, Series
from dashboard.services.catalogue import delete_metrics
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.streams.unit_of_work import unit_of_work

DELETE_METRIC = audit.action("delete_metric", gettext_lazy("Metric deleted"))
DELETE_SERIES = audit.action("delete_series", gettext_lazy("Series deleted"))


@unit_of_work
def delete_metric(*, principal: Principal, name: str) -> None:
    """Delete a metric of the workspace with its series; its samples are removed later.

    Raises:
        PermissionDenied: the principal may not manage metrics.
        NotFound: there is no such metric.
    """
    require(principal, Action.MANAGE_METRICS)
    metric = _metric(principal, name)
    audit.record(
        DELETE_METRIC,
        audit.Target.of(metric, metric.name),
        workspace_id=principal.workspace_id,
        details={"series": metric.series.count()},
        by=principal.user_id,
    )
    delete_metrics(metrics=Metric.objects.filter(pk=metric.pk))


@unit_of_work
def delete_series(*, principal: Principal, name: str, series_id: int) -> None:
    """Delete one series of a metric; its samples are removed later.

    Raises:
        PermissionDenied: the principal may not manage metrics.
        NotFound: there is no such metric, or it has no such series.
    """
    require(principal, Action.MANAGE_METRICS)
    series = Series.objects.filter(metric=_metric(principal, name), pk=series_id).first()
    if series is None:
        raise NotFound("There is no such series.")
    audit.record(
        DELETE_SERIES,
        audit.Target.of(series),
        workspace_id=principal.workspace_id,
        details={"metric": name},
        by=principal.user_id,
    )
    series.delete()


def _metric(principal: Principal, name: str) -> Metric:
    metric = Metric.objects.filter(workspace_id=principal.workspace_id, name=name).first()
    if metric is None:
        raise NotFound(f"No such metric: {name[:64]}.")
    return metric
