"""The REST API, version 1: each app's routes under /api/v1/."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.api_urls")),
    path("", include("dashboard.api_urls")),
]
