"""Reads of metrics, their newest values and history, and the collection plan."""

from dashboard.selectors.cards import CardData, card_data
from dashboard.selectors.collecting import CollectionPlan, SeriesPlace, collection_plan
from dashboard.selectors.histories import Bucket, History, history, recent
from dashboard.selectors.live import Latest, is_live, newest_at
from dashboard.selectors.metrics import (
    MetricState,
    metric_names,
    metric_states,
    require_metrics,
    series_of,
)

__all__ = [
    "Bucket",
    "CardData",
    "CollectionPlan",
    "History",
    "Latest",
    "MetricState",
    "SeriesPlace",
    "card_data",
    "collection_plan",
    "history",
    "is_live",
    "metric_names",
    "metric_states",
    "newest_at",
    "recent",
    "require_metrics",
    "series_of",
]
