"""Navigation entries of this app."""

from django.utils.translation import gettext_lazy as _

from accounts.shell import Badge, Count, Page, Tone, register
from chat import selectors
from realtime.auth import Principal


def unread(principal: Principal) -> Count:
    """Count the user's unread mentions if there are any, else all unread messages."""
    messages, mentions = selectors.unread_everywhere(principal)
    return Count(mentions, Tone.ACCENT) if mentions else Count(messages)


register(
    Page(
        "chat",
        _("Chat"),
        url_name="chat:page",
        icon="messages-square",
        order=40,
        badge=Badge("chat", _("unread"), unread),
        has_columns=True,
    )
)
