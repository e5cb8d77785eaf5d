from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        # Imported for their side effects: they register pages, authentication schemes of the
        # OpenAPI document, the first accounts, retention, signal receivers and system checks.
        from accounts import navigation, prepare, retention, signals  # noqa: F401
        from accounts.api import openapi  # noqa: F401
        from accounts.shell import checks  # noqa: F401
