from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")

    def ready(self) -> None:
        # Imported for what they register: what presence tells rooms, the first rooms, workers.
        from chat import demo, exits, presence, workers  # noqa: F401
        from chat.services.notifying import register_kinds

        exits.register()
        register_kinds()
