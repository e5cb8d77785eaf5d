"""Reads of a room's members and their presence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from chat.models import Membership
from chat.protocol import MemberView
from chat.streams import keys
from realtime.presence import store
from realtime.protocol import rfc3339


class RosterLimits:
    """The most members that one reply lists: over all its rooms, but at least so many of each."""

    IN_ALL = 1000
    EACH = 20


class Attendance(NamedTuple):
    """Ids of the connected users, by room, and of the attentive ones (at their screens)."""

    present: dict[str, set[int]]
    attentive: set[int]


_SHOWN = (
    *("room_id", "user_id", "role", "muted_until"),
    *("user__username", "user__first_name", "user__last_name"),
)


def is_member(room_id: int, user_id: int) -> bool:
    return Membership.objects.filter(room_id=room_id, user_id=user_id).exists()


def member_view(membership: Membership, present: bool | None = None) -> MemberView:
    """Return a member's view; needs `membership.user`."""
    view = MemberView(
        user_id=membership.user_id,
        username=membership.user.username,
        name=membership.user.display_name,
        role=membership.role,
        muted_until=None if membership.muted_until is None else rfc3339(membership.muted_until),
    )
    if present is not None:
        view.present = present
    return view


def members_of(room_ids: Collection[int], limit: int | None = None) -> dict[int, list[Membership]]:
    """Return the members of each room, sorted by username; at most `limit` of each."""
    rows = Membership.objects.filter(room_id__in=room_ids, user__is_active=True)
    # Only the columns that a list of members shows, not whole accounts.
    rows = rows.select_related("user").only(*_SHOWN).order_by("user__username")
    if limit is not None:
        place = Window(RowNumber(), partition_by=F("room_id"), order_by=F("user__username").asc())
        rows = rows.annotate(place=place).filter(place__lte=limit)
    found: dict[int, list[Membership]] = defaultdict(list)
    for membership in rows:
        found[membership.room_id].append(membership)
    return found


def present_in(workspace_id: int, slugs: Collection[str]) -> dict[str, set[int]]:
    """Return the ids of the users connected to each of these rooms."""
    names = {keys.room(workspace_id, slug).name: slug for slug in slugs}
    found = store.present_in(workspace_id, names)
    return {slug: set(found.get(name, ())) for name, slug in names.items()}


def attendance_in(workspace_id: int, slugs: Collection[str]) -> Attendance:
    """Return the users connected to each of these rooms, and the attentive ones, in two queries."""
    names = {keys.room(workspace_id, slug).name: slug for slug in slugs}
    found = store.present_in(workspace_id, [*names, keys.ATTENTION])
    present = {slug: set(found[name]) for name, slug in names.items()}
    return Attendance(present, set(found[keys.ATTENTION]))
