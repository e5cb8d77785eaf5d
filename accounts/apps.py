from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        # Imported for what they register: receivers, what retention removes,
        # what the API document says of credentials.
        from accounts import openapi, retention, signals  # noqa: F401
