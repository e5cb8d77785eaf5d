"""The live series of each metric, and its newest value."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from dashboard.models import Rollup, Series


class Latest(NamedTuple):
    at: int
    value: float


def is_live() -> Any:
    """Return a condition for queries of Series: it gives its metric's live value.

    It does if no other series of the metric precedes it: measured before simulated ones, then by
    id. So a real sensor takes over from the simulation as soon as it has a series.
    """
    before = Q(simulated__lt=OuterRef("simulated")) | Q(
        simulated=OuterRef("simulated"), pk__lt=OuterRef("pk")
    )
    return ~Exists(Series.objects.filter(before, metric=OuterRef("metric")))


def newest_at() -> Any:
    """Return a subquery for Series: the newest sample's time, from the longer-lived rollups."""
    return Subquery(_newest_rollup().values("last_at")[:1])


def live_series(workspace_id: int) -> QuerySet[Series]:
    """Return the live series of a workspace's metrics, with `newest_at` and `newest_value`."""
    newest = _newest_rollup()
    return (
        Series.objects.filter(is_live(), metric__workspace_id=workspace_id)
        .select_related("metric")
        .annotate(
            newest_at=Subquery(newest.values("last_at")[:1]),
            newest_value=Subquery(newest.values("last")[:1]),
        )
    )


def _newest_rollup() -> QuerySet[Rollup]:
    return Rollup.objects.filter(series_id=OuterRef("pk")).order_by("-minute")
