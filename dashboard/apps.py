from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = _("Dashboard")

    def ready(self) -> None:
        # Imported for their registrations: kinds of sources (in the order in which a new
        # installation gets their metrics), first metrics, live cards, pages, retention, workers.
        from dashboard.collection import host, application, simulator  # noqa: F401, I001
        from dashboard import navigation, prepare, retention, workers  # noqa: F401
        from dashboard.cards import kind  # noqa: F401
