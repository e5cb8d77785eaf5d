"""What a socket is told of the rooms that it begins to follow."""

from __future__ import annotations

from collections.abc import Collection

from chat import streams
from chat.models import Membership
from chat.protocol import DEFAULT_HISTORY, MemberList, MemberView, RoomSnapshot, Subscribed
from chat.selectors.members import (
    RosterLimits,
    attentive_in,
    member_view,
    members_of,
    present_in,
)
from chat.selectors.messages import message_views, newest, pins_of
from chat.selectors.rooms import (
    find,
    member_counts,
    mention_counts,
    places,
    room_summary,
)
from realtime.auth import Principal
from realtime.protocol import Position


def subscribed(principal: Principal, slugs: Collection[str]) -> dict[str, Subscribed]:
    """Where this person stands in those of these rooms that they may read, in seven queries."""
    found = places(principal, slugs)
    ids = [place.room.pk for place in found.values()]
    limit = max(RosterLimits.EACH, RosterLimits.IN_ALL // max(1, len(ids)))
    members = members_of(ids, limit)
    counts = member_counts(ids)
    mentions = mention_counts(found.values())
    present = present_in(principal.workspace_id, found)
    for here in present.values():
        # Whoever asks is there; the row that says so may not be written yet.
        here.add(principal.user_id)
    attentive = attentive_in(principal.workspace_id) | {principal.user_id}
    return {
        slug: Subscribed(
            away=sorted(present[slug] - attentive),
            members=_views(members.get(place.room.pk, []), present[slug]),
            member_count=counts.get(place.room.pk, 0),
            unread=place.unread,
            mentions=mentions.get(place.room.pk, 0),
            read_sequence=place.read_sequence,
            head_sequence=place.room.head_sequence,
            role=place.role,
        )
        for slug, place in found.items()
    }


def member_list(principal: Principal, slug: str) -> MemberList:
    """Everybody in a room, with who is there now.

    Raises:
        NotFound: there is no such room for this person.
    """
    room = find(principal, slug).room
    present = present_in(principal.workspace_id, [slug])[slug]
    members = members_of([room.pk]).get(room.pk, [])
    return MemberList(room=slug, data=_views(members, present))


def snapshot(
    principal: Principal, slug: str, position: Position, messages: int = DEFAULT_HISTORY
) -> RoomSnapshot:
    """A room as it is now, which is at `position` of its stream or later.

    Args:
        messages: how many of the newest it has.

    Raises:
        NotFound: there is no such room for them.
    """
    info = room_summary(principal, slug)
    room = find(principal, slug).room
    present = present_in(principal.workspace_id, [slug])[slug] | {principal.user_id}
    away = present - attentive_in(principal.workspace_id) - {principal.user_id}
    members = members_of([room.pk], RosterLimits.IN_ALL).get(room.pk, [])
    return RoomSnapshot(
        room=slug,
        stream=streams.room(principal.workspace_id, slug).name,
        epoch=position.epoch,
        offset=position.offset,
        info=info,
        members=_views(members, present),
        present=sorted(present),
        away=sorted(away),
        pins=pins_of(room),
        data=message_views(newest(room, messages), room),
    )


def _views(memberships: Collection[Membership], present: set[int]) -> list[MemberView]:
    return [member_view(each, each.user_id in present) for each in memberships]
