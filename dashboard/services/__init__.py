"""Writes of this app: metrics, sources, collected and pushed samples."""

from dashboard.services.catalogue import (
    create_metrics,
    create_source,
    delete_metrics,
    ensure_series,
    provide_metrics,
    record_runs,
    save_metric,
    save_source,
)
from dashboard.services.readings import store_readings
from dashboard.services.removing import delete_metric, delete_series
from dashboard.services.samples import Pushed, PushedSample, SamplesRefused, push_samples

__all__ = [
    "Pushed",
    "PushedSample",
    "SamplesRefused",
    "create_metrics",
    "create_source",
    "delete_metric",
    "delete_metrics",
    "delete_series",
    "ensure_series",
    "provide_metrics",
    "push_samples",
    "record_runs",
    "save_metric",
    "save_source",
    "store_readings",
]
