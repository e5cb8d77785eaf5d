"""The channel `room`: system messages in a room; its target is `{"room": slug}`."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat import selectors, services
from chat.models import RoomKind
from chat.policy import RoomAction, require
from chat.protocol import MAX_TEXT_LENGTH
from notifications.channels import Channel, ChannelMessage, Part, Target
from notifications.models import MAX_TITLE, Severity
from realtime.auth import Principal
from realtime.errors import Conflict, FieldErrors, InvalidCommand, NotFound, PermissionDenied


class RoomChannel(Channel):
    """Posts as Pitwall itself, in rooms where the choosing user may post, except direct ones."""

    name = "room"
    label = gettext_lazy("Chat room")
    carries = frozenset(Part)

    def check(self, principal: Principal, target: Target) -> Target:
        errors: FieldErrors = {
            str(name): ["There is no such setting."] for name in target if name != "room"
        }
        slug = target.get("room")
        if not isinstance(slug, str) or not slug:
            errors["room"] = ["Name a room by its slug."]
        elif reason := _refusal(principal, slug):
            errors["room"] = [reason]
        if errors:
            raise InvalidCommand(next(iter(errors.values()))[0], errors=errors)
        return {"room": slug}

    def send(self, workspace_id: int, target: Target, message: ChannelMessage) -> None:
        services.post_system_message(
            workspace_id=workspace_id,
            room=str(target.get("room", "")),
            text=_text(message),
            card=message.card,
        )


def _refusal(principal: Principal, slug: str) -> str | None:
    """Return why this user cannot choose that room as a target, or None."""
    try:
        place = selectors.find(principal, slug)
        require(place.standing, RoomAction.POST, timezone.now())
    except (NotFound, PermissionDenied, Conflict) as error:
        return error.message
    if place.room.kind == RoomKind.DIRECT:
        return "A direct room belongs to two people; choose another one."
    return None


def _text(message: ChannelMessage) -> str:
    """Return everything but the card as Markdown, cut to the length of a message."""
    # Stored as rendered, like notifications, so it is in the installation's language.
    with translation.override(settings.LANGUAGE_CODE):
        title = f"**{' '.join(message.title.split())[:MAX_TITLE]}**"
        if message.severity != Severity.INFO:
            title = f"**{Severity(message.severity).label}:** {title}"
        address = message.link.replace("<", "%3C").replace(">", "%3E")
        link = f"[{_('Open')}](<{address}>)" if address else ""
    room_left = MAX_TEXT_LENGTH - len(title) - len(link) - len("\n\n") * 2
    body = message.text if len(message.text) <= room_left else message.text[: room_left - 1] + "…"
    return "\n\n".join(part for part in (title, body, link) if part)
