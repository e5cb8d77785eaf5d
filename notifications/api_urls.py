"""Routes of notifications under /api/v1/."""

from django.urls import path, register_converter

from notifications import api


class RowId:
    """The id of a row: what no database column holds is no path."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(RowId, "row")

urlpatterns = [
    path("notifications/", api.NotificationListView.as_view(), name="notification-list"),
    path(
        "notifications/read-all/",
        api.NotificationReadAllView.as_view(),
        name="notification-read-all",
    ),
    path(
        "notifications/<row:notification_id>/",
        api.NotificationDetailView.as_view(),
        name="notification-detail",
    ),
    path(
        "notifications/<row:notification_id>/read/",
        api.NotificationReadView.as_view(),
        name="notification-read",
    ),
    path("users/<row:user_id>/push/", api.UserPushView.as_view(), name="user-push"),
]
