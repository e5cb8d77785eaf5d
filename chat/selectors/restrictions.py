"""Reads of what is kept of the moderation of users who are not members."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from chat.models import Restriction
from chat.policy import RoomAction, require
from chat.protocol.views import RestrictionView
from chat.selectors.rooms import find
from realtime.auth import Principal
from realtime.protocol import rfc3339


def restrictions(principal: Principal, slug: str) -> list[RestrictionView]:
    """Return the restrictions of a room that have an effect, by username.

    Raises:
        NotFound: no such room is visible to the user.
        PermissionDenied: the user may not manage its members.
    """
    place, now = find(principal, slug), timezone.now()
    require(place.standing, RoomAction.MANAGE_MEMBERS, now)
    lasting = Q(removed=True) | ~Q(role="") | Q(muted_until__gt=now)
    rows = Restriction.objects.filter(lasting, room=place.room).select_related("user")
    return [_view(kept) for kept in rows]


def _view(kept: Restriction) -> RestrictionView:
    return RestrictionView(
        user_id=kept.user_id,
        username=kept.user.username,
        name=kept.user.display_name,
        role=kept.role or None,
        muted_until=None if kept.muted_until is None else rfc3339(kept.muted_until),
        removed=kept.removed,
        since=rfc3339(kept.created_at),
    )
