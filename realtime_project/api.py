"""The REST API, version 1: each app's routes under /api/v1/."""

from django.urls import include, path, re_path

from realtime.http.problems import UnknownPath

urlpatterns = [
    path("", include("accounts.api.urls")),
    path("", include("dashboard.api.urls")),
    path("", include("notifications.api.urls")),
    path("", include("chat.api.urls")),
    re_path("", UnknownPath.as_view()),
]
