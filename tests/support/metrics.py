"""Metrics, series and samples for tests."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from accounts.models import Role, Workspace
from dashboard.models import Metric, Series, Source
from dashboard.samples import instants, tags
from dashboard.services import storage
from realtime.auth import Principal

SECOND = instants.SECOND
MINUTE = instants.MINUTE


def viewer_of(workspace: Workspace, role: str = Role.VIEWER) -> Principal:
    """Return somebody who may look at the workspace's metrics, without a user behind them."""
    return Principal(0, "viewer", False, workspace.pk, workspace.slug, role)


def now_us() -> int:
    return int(time.time() * SECOND)


def this_minute() -> int:
    """Return the start of a past minute that is recent enough for every range."""
    return (now_us() // MINUTE - 5) * MINUTE


def make_metric(workspace: Workspace, name: str = "oil_pressure", **fields: Any) -> Metric:
    return Metric.objects.create(workspace=workspace, name=name, **fields)


def make_series(
    metric: Metric, wanted_tags: Mapping[str, str] | None = None, **fields: Any
) -> Series:
    wanted = dict(wanted_tags or {})
    return Series.objects.create(metric=metric, tags=wanted, tags_key=tags.key(wanted), **fields)


def make_source(workspace: Workspace, name: str = "host", **fields: Any) -> Source:
    return Source.objects.create(workspace=workspace, name=name, **{"kind": "host"} | fields)


def write(
    series: Series, samples: Iterable[tuple[int, float]], **options: Any
) -> storage.StoredCount:
    """Store (microseconds, value) pairs as a worker would."""
    return storage.write(
        workspace_id=series.metric.workspace_id,
        readings=[storage.Reading(series.pk, at, value) for at, value in samples],
        **options,
    )
