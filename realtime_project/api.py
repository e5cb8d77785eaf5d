"""The REST API, version 1: each app's routes under /api/v1/."""

from django.urls import include, path, re_path

from realtime.http.problems import UnknownPath

urlpatterns = [
    path("", include("accounts.api_urls")),
    path("", include("dashboard.api_urls")),
    path("", include("notifications.api_urls")),
    path("", include("chat.api_urls")),
    re_path("", UnknownPath.as_view()),
]
