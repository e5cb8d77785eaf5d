"""Navigation entries for this app's pages."""

from django.utils.translation import gettext_lazy as _

from accounts.shell import Badge, Count, Page, Tone, register
from notifications import selectors
from realtime.auth import Principal


def unread(principal: Principal) -> Count:
    """Return the number of the user's unread notifications in the workspace."""
    number = selectors.unread_count(principal.workspace_id, principal.user_id)
    return Count(number, Tone.ACCENT)


register(
    Page(
        "inbox",
        _("Inbox"),
        url_name="notifications:inbox",
        icon="inbox",
        order=50,
        badge=Badge("notifications", _("unread"), unread),
        has_columns=True,
    )
)
