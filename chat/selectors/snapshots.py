"""Reads for a socket that starts to follow rooms."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from chat.models import Membership
from chat.protocol import (
    DEFAULT_HISTORY,
    MemberList,
    MemberView,
    RoomSnapshot,
    RoomSummary,
    Subscribed,
)
from chat.selectors.members import (
    RosterLimits,
    attendance_in,
    member_view,
    members_of,
    present_in,
)
from chat.selectors.messages import message_views, newest, pinned
from chat.selectors.rooms import find, places, summaries_of
from chat.streams import keys
from realtime.auth import Principal
from realtime.protocol import Position


@dataclass(frozen=True)
class Overview:
    """A room as a user finds it on entering: everything but its messages.

    `members` may have fewer than `info.member_count`.
    """

    info: RoomSummary
    members: list[MemberView]
    present: set[int]
    away: list[int]

    def standing(self) -> Subscribed:
        """Return the user's standing in the room."""
        return Subscribed(
            away=self.away,
            members=self.members,
            member_count=self.info.member_count,
            unread=self.info.unread,
            mentions=self.info.mentions,
            read_sequence=self.info.read_sequence,
            head_sequence=self.info.head_sequence,
            role=self.info.role,
        )


def overviews(principal: Principal, slugs: Collection[str]) -> dict[str, Overview]:
    """Return overviews of those of these rooms that the user may read, in eight queries in all."""
    found = places(principal, slugs)
    infos = {info.slug: info for info in summaries_of(principal, found.values())}
    attendance = attendance_in(principal.workspace_id, found)
    limit = max(RosterLimits.EACH, RosterLimits.IN_ALL // max(1, len(found)))
    crowded = any(info.member_count > limit for info in infos.values())
    # Limiting the members per room costs more than reading them all, unless there are very many.
    ids = [place.room.pk for place in found.values()]
    members = members_of(ids, limit if crowded else None)
    me = {principal.user_id}
    seen = {}
    for slug in (slug for slug in slugs if slug in found):
        # The user is present, though the row for it may not be written yet.
        present = attendance.present[slug] | me
        views = _views(members.get(found[slug].room.pk, []), present)
        away = sorted(present - attendance.attentive - me)
        seen[slug] = Overview(infos[slug], views, present, away)
    return seen


def member_list(principal: Principal, slug: str) -> MemberList:
    """Return all members of a room, and whether they are present.

    Raises:
        NotFound: no such room is visible to the user.
    """
    room = find(principal, slug).room
    present = present_in(principal.workspace_id, [slug])[slug]
    members = members_of([room.pk]).get(room.pk, [])
    return MemberList(room=slug, data=_views(members, present))


def snapshot(
    principal: Principal, seen: Overview, position: Position, messages: int = DEFAULT_HISTORY
) -> RoomSnapshot:
    """Return a room with its newest messages, read at `position` of its stream or later.

    Args:
        seen: the room's overview, read since that position; the rest is read now.
        messages: the number of newest messages.

    Raises:
        NotFound: the room is no longer visible to the user.
    """
    info, members = seen.info, seen.members
    room = find(principal, info.slug).room
    if len(members) < min(info.member_count, RosterLimits.IN_ALL):
        everybody = members_of([room.pk], RosterLimits.IN_ALL).get(room.pk, [])
        members = _views(everybody, seen.present)
    rows, pins = newest(room, messages), pinned(room)
    shown = list({message.pk: message for message in (*pins, *rows)}.values())
    views = {view.message_id: view for view in message_views(shown, room)}
    return RoomSnapshot(
        room=info.slug,
        stream=keys.room(principal.workspace_id, info.slug).name,
        epoch=position.epoch,
        offset=position.offset,
        info=info,
        members=members,
        present=sorted(seen.present),
        away=seen.away,
        pins=[views[message.pk] for message in pins],
        data=[views[message.pk] for message in rows],
    )


def _views(memberships: Collection[Membership], present: set[int]) -> list[MemberView]:
    return [member_view(each, each.user_id in present) for each in memberships]
