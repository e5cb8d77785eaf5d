from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        # Imported for what they register: the first accounts, receivers of signals, pages, system
        # checks.
        from accounts import navigation, prepare, signals  # noqa: F401
        from accounts.shell import checks  # noqa: F401
