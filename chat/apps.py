from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")

    def ready(self) -> None:
        # Imported for their registrations: presence and membership listeners, first rooms, pages,
        # retention.
        from chat import navigation, prepare, retention, signals  # noqa: F401
        from chat.channels import RoomChannel
        from chat.services.notifying import register_kinds
        from chat.streams import exits, presence, retractions  # noqa: F401
        from notifications import channels

        exits.register()
        retractions.register()
        register_kinds()
        channels.register(RoomChannel())
