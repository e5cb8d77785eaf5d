"""Routes of the dashboard under /api/v1/."""

from django.urls import path

from dashboard.api import views

urlpatterns = [
    path("metrics/", views.MetricListView.as_view(), name="metric-list"),
    path("metrics/<str:name>/history/", views.MetricHistoryView.as_view(), name="metric-history"),
    path("samples/", views.SampleListView.as_view(), name="sample-list"),
]
