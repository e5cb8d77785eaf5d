"""Routes of the dashboard under /api/v1/."""

from django.urls import path

from dashboard import api

urlpatterns = [
    path("metrics/", api.MetricListView.as_view(), name="metric-list"),
    path("metrics/<str:name>/history/", api.MetricHistoryView.as_view(), name="metric-history"),
    path("samples/", api.SampleListView.as_view(), name="sample-list"),
]
