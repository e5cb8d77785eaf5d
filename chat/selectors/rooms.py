"""Reads of rooms as one user sees them: access, standing, unread counts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Count, F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.models import User
from chat.models import Membership, Mention, Message, Restriction, Room, RoomKind
from chat.policy import RoomAction, Standing, may, require
from chat.protocol import LastMessage, RoomSummary, RoomView
from chat.text.checking import excerpt
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.protocol import rfc3339


@dataclass(frozen=True)
class Place:
    """A room that a user may read, with the user's membership if there is one."""

    room: Room
    membership: Membership | None
    standing: Standing

    @property
    def role(self) -> str | None:
        return self.membership.role if self.membership else None

    @property
    def read_sequence(self) -> int:
        """The read marker; for a non-member the head, so that nothing is unread."""
        return self.membership.read_sequence if self.membership else self.room.head_sequence

    @property
    def beyond(self) -> int:
        """The number of messages after the read marker, tombstones included."""
        return self.room.head_sequence - max(self.read_sequence, self.room.floor_sequence)


class Unread(NamedTuple):
    """Numbers of messages that a user has not read, and of the user's mentions among them."""

    messages: int
    mentions: int


class Counted(NamedTuple):
    """A member's read marker in a room, and the member's unread counts."""

    user_id: int
    read_sequence: int
    unread: Unread


class Partner(NamedTuple):
    """The other user of a direct room."""

    user_id: int
    username: str
    name: str


def readable_rooms(principal: Principal) -> QuerySet[Room]:
    """Return the rooms of the workspace that the user may know of: public ones and their own."""
    mine = Q(memberships__user_id=principal.user_id)
    return Room.objects.annotate(
        mine=FilteredRelation("memberships", condition=mine)
    ).filter(
        Q(kind=RoomKind.PUBLIC) | Q(mine__isnull=False),
        workspace_id=principal.workspace_id,
        deleted_at=None,
    )  # fmt: skip


def places(principal: Principal, slugs: Collection[str]) -> dict[str, Place]:
    """Return the user's places in those rooms that they may read, by slug, in one query."""
    return {place.room.slug: place for place in _places(principal, Q(slug__in=slugs))}


def find(principal: Principal, slug: str) -> Place:
    """Return the user's place in the room of that slug, if they may read it.

    Raises:
        NotFound: the room does not exist or is hidden from the user, which look the same.
    """
    place = places(principal, [slug]).get(slug)
    if place is None:
        raise NotFound.field("room", "There is no such room.")
    return place


def roles_in(principal: Principal, slugs: Collection[str]) -> dict[str, str | None]:
    """Return the user's role, None if not a member, in those of these rooms that they may read."""
    found = places(principal, slugs)
    return {slug: found[slug].role for slug in slugs if slug in found}


def require_in(principal: Principal, slug: str, action: RoomAction) -> None:
    """Check that the user may do `action` in a room.

    Raises:
        NotFound, PermissionDenied, Conflict: as in chat.policy.
    """
    require(find(principal, slug).standing, action, timezone.now())


def unread_of(place: Place) -> Unread:
    """Return the unread counts of one room."""
    room_id = place.room.pk
    return Unread(unread_counts([place])[room_id], mention_counts([place]).get(room_id, 0))


def unread_of_members(room: Room, *, beyond: int) -> list[Counted]:
    """Return the counts of the members who have not read the message `beyond`, in three queries."""
    behind = Membership.objects.filter(room=room, read_sequence__lt=beyond).order_by()
    markers = dict(behind.values_list("user_id", "read_sequence"))
    if not markers:
        return []
    lowest = max(min(markers.values()), room.floor_sequence)
    later = Q(room=room, sequence__gt=lowest)
    deleted = Message.objects.filter(later, deleted_at__isnull=False).order_by("sequence")
    tombstones = list(deleted.values_list("sequence", flat=True))
    mentions: dict[int, list[int]] = {user_id: [] for user_id in markers}
    calls = Mention.objects.filter(later, user_id__in=list(markers)).order_by("sequence")
    for user_id, sequence in calls.values_list("user_id", "sequence"):
        mentions[user_id].append(sequence)

    def counted(user_id: int, marker: int) -> Counted:
        start = max(marker, room.floor_sequence)
        gone = len(tombstones) - bisect_right(tombstones, start)
        called = len(mentions[user_id]) - bisect_right(mentions[user_id], start)
        return Counted(user_id, marker, Unread(room.head_sequence - start - gone, called))

    return [counted(user_id, marker) for user_id, marker in markers.items()]


def unread_everywhere(principal: Principal) -> Unread:
    """Return the counts over all rooms of the user; every direct message counts as a mention."""
    mine = _places(principal, Q(mine__isnull=False))
    unread, mentions = unread_counts(mine), mention_counts(mine)
    calls = (
        (unread if place.room.kind == RoomKind.DIRECT else mentions).get(place.room.pk, 0)
        for place in mine
    )
    return Unread(sum(unread.values()), sum(calls))


def room_summaries(
    principal: Principal, *, joined: bool | None = None, slugs: Collection[str] | None = None
) -> list[RoomSummary]:
    """Return rooms with their unread counts, sorted by name, in six queries.

    Args:
        joined: only rooms of which the user is a member (True), or only the others (False).
        slugs: only these rooms.
    """
    wanted = Q() if joined is None else Q(mine__isnull=not joined)
    if slugs is not None:
        wanted &= Q(slug__in=slugs)
    summaries = summaries_of(principal, _places(principal, wanted))
    return sorted(summaries, key=lambda summary: (summary.name.casefold(), summary.slug))


def summaries_of(principal: Principal, found: Collection[Place]) -> list[RoomSummary]:
    """Return the summaries of these places of one user, in their order, in five queries."""
    ids = [place.room.pk for place in found]
    members = member_counts(ids)
    unread, mentions = unread_counts(found), mention_counts(found)
    last = _last_messages(ids)
    partners = _partners(principal, found)
    return [
        _summary(
            place,
            members.get(place.room.pk, 0),
            Unread(unread[place.room.pk], mentions.get(place.room.pk, 0)),
            last.get(place.room.pk),
            partners.get(place.room.pk),
        )
        for place in found
    ]


def room_summary(principal: Principal, slug: str) -> RoomSummary:
    """Return the summary of one room.

    Raises:
        NotFound: no such room is visible to the user.
    """
    found = room_summaries(principal, slugs=[slug])
    if not found:
        raise NotFound.field("room", "There is no such room.")
    return found[0]


def room_view(room: Room) -> RoomView:
    """Return the view of a room that is the same for all users."""
    return RoomView(
        slug=room.slug,
        name=room.name,
        topic=room.topic,
        kind=room.kind,
        retention_days=room.retention_days,
        archived=room.archived_at is not None,
        head_sequence=room.head_sequence,
        first_sequence=room.floor_sequence + 1,
    )


def _places(principal: Principal, wanted: Q) -> list[Place]:
    rows = (
        readable_rooms(principal)
        .filter(wanted)
        .annotate(
            my_id=F("mine__id"),
            my_role=F("mine__role"),
            my_read=F("mine__read_sequence"),
            my_muted=F("mine__muted_until"),
            my_notify=F("mine__notify"),
            kept=FilteredRelation(
                "restrictions", condition=Q(restrictions__user_id=principal.user_id)
            ),
            kept_id=F("kept__id"),
            kept_role=F("kept__role"),
            kept_muted=F("kept__muted_until"),
            kept_removed=F("kept__removed"),
        )
    )
    return [_place(principal, room) for room in rows]


def _place(principal: Principal, room: Room) -> Place:
    row = vars(room)
    membership = None
    if row["my_id"] is not None:
        membership = Membership(
            pk=row["my_id"],
            room=room,
            user_id=principal.user_id,
            role=row["my_role"],
            read_sequence=row["my_read"],
            muted_until=row["my_muted"],
            notify=row["my_notify"],
        )
    kept = None
    if row["kept_id"] is not None:
        kept = Restriction(
            role=row["kept_role"], muted_until=row["kept_muted"], removed=row["kept_removed"]
        )
    return Place(room, membership, standing_of(principal.role, room, membership, kept))


def standing_of(
    workspace_role: str,
    room: Room,
    membership: Membership | None,
    kept: Restriction | None = None,
) -> Standing:
    """Return a user's standing in a room, for chat.policy.

    Args:
        kept: what is kept of earlier moderation, for users who are not members.
    """
    moderation = membership or kept
    return Standing(
        kind=room.kind,
        workspace_role=workspace_role,
        role=membership.role if membership else None,
        muted_until=moderation.muted_until if moderation else None,
        archived=room.archived_at is not None,
        ceiling=(kept.role or None) if kept else None,
        removed=kept.removed if kept else False,
    )


def member_counts(room_ids: Collection[int]) -> dict[int, int]:
    counts = Membership.objects.filter(room_id__in=room_ids, user__is_active=True).order_by()
    return dict(counts.values_list("room_id").annotate(count=Count("id")))


def unread_counts(found: Collection[Place]) -> dict[int, int]:
    """Return the number of unread messages by room, without tombstones, of one user's places."""
    behind = _behind(found)
    deleted = dict(_after_marker(Message.objects.filter(deleted_at__isnull=False), behind))
    return {place.room.pk: place.beyond - deleted.get(place.room.pk, 0) for place in found}


def mention_counts(found: Iterable[Place]) -> dict[int, int]:
    """Return the number of unread mentions by room, of the one user whose places these are."""
    behind = _behind(found)
    mentions = Mention.objects.filter(user_id__in={one.user_id for one in behind})
    return dict(_after_marker(mentions, behind))


def _behind(found: Iterable[Place]) -> list[Membership]:
    return [place.membership for place in found if place.membership and place.beyond]


def _after_marker(
    rows: QuerySet[Any], memberships: Collection[Membership]
) -> list[tuple[int, int]]:
    """Count the rows of messages, by room, that the one user of these memberships has not read."""
    if not memberships:
        return []
    of_user = Q(room__memberships__user_id=next(iter(memberships)).user_id)
    marker = Greatest(F("room__memberships__read_sequence"), F("room__floor_sequence"))
    rooms = [membership.room_id for membership in memberships]
    unread = rows.filter(of_user, room_id__in=rooms, sequence__gt=marker).order_by()
    return list(unread.values_list("room_id").annotate(count=Count("id")))


def _last_messages(room_ids: Collection[int]) -> dict[int, Message]:
    newest = Message.objects.filter(
        room_id__in=room_ids,
        sequence=F("room__head_sequence"),
        sequence__gt=F("room__floor_sequence"),
        deleted_at=None,
    )
    return {message.room_id: message for message in newest.select_related("author")}


def _partners(principal: Principal, found: Iterable[Place]) -> dict[int, Partner]:
    # From the room's key, not its members: the other user may have left the workspace, and with
    # it the room.
    others = {
        place.room.pk: _other_of(place.room.direct_key, principal.user_id)
        for place in found
        if place.room.direct_key is not None
    }
    if not others:
        return {}
    users = User.objects.in_bulk(set(others.values()))
    return {
        room_id: Partner(user.pk, user.username, user.display_name)
        for room_id, user_id in others.items()
        if (user := users.get(user_id)) is not None
    }


def _other_of(pair: str, user_id: int) -> int:
    """Return the other user of a direct room; in a room with oneself, that is the user."""
    first, _, second = pair.partition(":")
    return int(second if int(first) == user_id else first)


def _summary(
    place: Place,
    members: int,
    unread: Unread,
    last: Message | None,
    partner: Partner | None,
) -> RoomSummary:
    room, membership = place.room, place.membership
    view = room_view(room)
    summary = RoomSummary(
        **{name: getattr(view, name) for name in view.__struct_fields__},
        role=place.role,
        member_count=members,
        read_sequence=place.read_sequence,
        unread=unread.messages,
        mentions=unread.mentions,
        notify=membership.notify if membership else "none",
        muted_until=_time(place.standing),
        may_post=may(place.standing, RoomAction.POST, timezone.now()),
        permissions=sorted(place.standing.actions),
        last_message=_last(last),
    )
    if place.standing.barred:
        summary.removed = True
    if partner is not None:
        summary.name = partner.name
        summary.user_id, summary.username = partner.user_id, partner.username
    return summary


def _time(standing: Standing) -> str | None:
    muted = standing.muted_until
    return None if muted is None else rfc3339(muted)


def _last(message: Message | None) -> LastMessage | None:
    if message is None:
        return None
    return LastMessage(
        message_id=message.pk,
        sequence=message.sequence,
        user_id=message.user_id,
        username=message.username,
        excerpt=excerpt(message.text),
        timestamp=rfc3339(message.created_at),
    )
