from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")

    def ready(self) -> None:
        # Imported for what they register: kinds of notifications, what retention removes.
        from chat import file_expiry  # noqa: F401
        from chat.services.notifying import register_kinds

        register_kinds()
