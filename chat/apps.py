from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")

    def ready(self) -> None:
        # Imported for what they register: what presence and memberships tell rooms, the
        # first rooms, pages, what retention removes.
        from chat import navigation, prepare, retention, signals  # noqa: F401
        from chat.channels import RoomChannel
        from chat.services.notifying import register_kinds
        from chat.streams import exits, presence, retractions  # noqa: F401
        from notifications import channels

        exits.register()
        retractions.register()
        register_kinds()
        channels.register(RoomChannel())
