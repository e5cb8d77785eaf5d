"""REST routes of notifications, under /api/v1/."""

from django.urls import path, register_converter

from notifications.api import views


class RowId:
    """A row id in a path; a number too large for a database column does not match."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(RowId, "row")

urlpatterns = [
    path("notifications/", views.NotificationListView.as_view(), name="notification-list"),
    path(
        "notifications/read-all/",
        views.NotificationReadAllView.as_view(),
        name="notification-read-all",
    ),
    path(
        "notifications/<row:notification_id>/",
        views.NotificationDetailView.as_view(),
        name="notification-detail",
    ),
    path(
        "notifications/<row:notification_id>/read/",
        views.NotificationReadView.as_view(),
        name="notification-read",
    ),
    path("users/<row:user_id>/push/", views.UserPushView.as_view(), name="user-push"),
]
