"""Which series speaks for its metric, and what is newest of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from dashboard.models import Rollup, Series


class Latest(NamedTuple):
    at: int
    value: float


def is_live() -> Any:
    """For queries of Series: whether this one gives its metric's live value.

    It does if no other series of the metric comes before it: measured before simulated ones,
    then by id. So a real sensor takes over from the simulation as soon as it has a series.
    """
    before = Q(simulated__lt=OuterRef("simulated")) | Q(
        simulated=OuterRef("simulated"), pk__lt=OuterRef("pk")
    )
    return ~Exists(Series.objects.filter(before, metric=OuterRef("metric")))


def newest_at() -> Any:
    """For queries of Series: the time of its newest sample; of its rollups, which outlive it."""
    return Subquery(_newest_rollup().values("last_at")[:1])


def live_series(workspace_id: int) -> QuerySet[Series]:
    """The live series of each metric of a workspace, with `newest_at` and `newest_value`."""
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
