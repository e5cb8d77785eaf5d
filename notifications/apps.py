from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        # Imported because they register the page and the retention.
        from notifications import navigation, retention  # noqa: F401
        from notifications.protocol import STREAM, NotificationChanged
        from realtime.streams import retractions

        retractions.register(STREAM, NotificationChanged)
