from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")

    def ready(self) -> None:
        # Imported for what they register: what presence and memberships tell rooms, the
        # first rooms, pages, what retention removes.
        from chat import (  # noqa: F401
            demo,
            exits,
            file_expiry,
            navigation,
            presence,
            retractions,
            signals,
            workers,
        )
        from chat.services.notifying import register_kinds

        exits.register()
        retractions.register()
        register_kinds()
