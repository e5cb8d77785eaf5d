"""Routes of the dashboard under /api/v1/."""

from django.urls import path

from dashboard.api import views

urlpatterns = [
    path("metrics/", views.MetricListView.as_view(), name="metric-list"),
    path("metrics/<str:name>/", views.MetricDetailView.as_view(), name="metric"),
    path("metrics/<str:name>/series/", views.SeriesListView.as_view(), name="series-list"),
    path(
        "metrics/<str:name>/series/<int:series_id>/",
        views.SeriesDetailView.as_view(),
        name="series",
    ),
    path("metrics/<str:name>/history/", views.MetricHistoryView.as_view(), name="metric-history"),
    path("samples/", views.SampleListView.as_view(), name="sample-list"),
]
