"""Moderation outlives the membership: it is kept when one ends, and applies to the next one.

While a user is a member, the membership holds what moderators decided; afterwards a Restriction
does. There is never both.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import User
from chat.models import Membership, Restriction, Role, Room

CHANGE_ROOM_ROLE = audit.action("change_room_role", gettext_lazy("Role in a room changed"))
MUTE_MEMBER = audit.action("mute_member", gettext_lazy("Member of a room muted"))
UNMUTE_MEMBER = audit.action("unmute_member", gettext_lazy("Member of a room unmuted"))
REMOVE_FROM_ROOM = audit.action("remove_from_room", gettext_lazy("Member removed from a room"))
LIFT_RESTRICTION = audit.action("lift_restriction", gettext_lazy("Restriction in a room lifted"))


def keep(room: Room, membership: Membership, *, removed: bool) -> None:
    """Keep what moderators decided about a member whose membership ends.

    Args:
        removed: a moderator ends it. In a public room the user then cannot join again.
    """
    muted = membership.muted_until
    lasting = muted if muted is not None and muted > timezone.now() else None
    ceiling = Role.READ_ONLY if membership.role == Role.READ_ONLY else ""
    barred = removed and room.is_open
    if lasting or ceiling or barred:
        Restriction.objects.update_or_create(
            room=room,
            user_id=membership.user_id,
            defaults={"role": ceiling, "muted_until": lasting, "removed": barred},
        )


def take_up(room: Room, user_id: int) -> Restriction:
    """Return what is kept about a user who becomes a member, and keep it no longer.

    An empty restriction, not stored, if there is nothing.
    """
    kept = Restriction.objects.filter(room=room, user_id=user_id).first()
    if kept is None:
        return Restriction(room=room, user_id=user_id)
    Restriction.objects.filter(pk=kept.pk).delete()
    if kept.muted_until is not None and kept.muted_until <= timezone.now():
        kept.muted_until = None
    return kept


def put_on_record(action: str, room: Room, user: User, by: int, **details: Any) -> None:
    """Record an act of moderation under the name of the user whom it concerns."""
    audit.record(
        action,
        audit.Target.of(user, user.username),
        workspace_id=room.workspace_id,
        staff_only=not room.is_open,
        details={"room": room.slug, **details},
        by=by,
    )
