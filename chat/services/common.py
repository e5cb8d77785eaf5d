"""Shared code of chat's services: locking rooms, emitting their events, adding members."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from accounts.models import Membership as WorkspaceMembership
from chat import selectors
from chat.models import Membership, Room
from chat.policy import RoomAction, capped, require
from chat.protocol import MemberJoined, RoomJoined, RoomLeft
from chat.selectors import Place
from chat.services import moderation, notifying
from chat.streams import keys
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.protocol import Event, rfc3339
from realtime.streams import publish
from realtime.streams.unit_of_work import emit


def tell(room: Room, event: Event) -> None:
    """Append an event to the room's stream."""
    emit(keys.room(room.workspace_id, room.slug), event)


def stamp() -> str:
    return rfc3339(timezone.now())


def locked_place(principal: Principal, slug: str, action: RoomAction | None = None) -> Place:
    """Return a room with its row locked until the transaction ends, if `action` is allowed.

    Memberships and settings change under this lock, so that its holder can rely on them.

    Raises:
        NotFound: no such room is visible to the user.
        PermissionDenied, Conflict: the user may not do `action` (chat.policy).
    """
    place = selectors.find(principal, slug)
    lock_rooms(Q(pk=place.room.pk))
    # Read again: it may have changed while we waited for the lock.
    place = selectors.find(principal, slug)
    if action is not None:
        require(place.standing, action, timezone.now())
    return place


def lock_rooms(wanted: Q) -> dict[int, Room]:
    """Lock these rooms' rows, in the order of their ids, and return them as they are now."""
    rows = Room.objects.select_for_update(no_key=True).filter(wanted).order_by("pk")
    return {room.pk: room for room in rows}


def member_of(place: Place, user_id: int) -> Membership:
    """Return a user's membership in a room.

    Raises:
        NotFound: the user is not a member.
    """
    found = Membership.objects.filter(room=place.room, user_id=user_id).select_related("user")
    membership = found.first()
    if membership is None:
        raise NotFound.field("user_id", "There is no such member.")
    return membership


def admit(room: Room, user_id: int, role: str, by: int) -> Membership:
    """Make a user a member who has read everything so far; tell the room and the user."""
    membership = enroll(room, user_id, role, by)
    notifying.read({(room.pk, user_id): membership.read_sequence})
    show_room(room, user_id)
    return membership


def enroll(room: Room, user_id: int, role: str, by: int) -> Membership:
    """Make a user a member and tell the room; the caller tells the user.

    An earlier mute and an earlier role below `role` apply again (chat.services.moderation).
    """
    kept = moderation.take_up(room, user_id)
    membership = Membership.objects.create(
        room=room,
        user_id=user_id,
        role=capped(role, kept.role),
        muted_until=kept.muted_until,
        read_sequence=room.head_sequence,
    )
    tell(
        room,
        MemberJoined(
            room=room.slug, member=selectors.member_view(membership), by=by, timestamp=stamp()
        ),
    )
    return membership


def show_room(room: Room, user_id: int) -> None:
    """Show a room on the user's open pages, on commit."""
    # The summary is read as this user, which takes no more of their login than the id.
    viewer = viewing(room, user_id)
    info = selectors.room_summary(viewer, room.slug)
    publish.publish_direct(_sockets(room, user_id), RoomJoined(room=room.slug, info=info))


def hide_room(room: Room, user_id: int, reason: str) -> None:
    """Remove a room from the user's open pages, on commit."""
    publish.publish_direct(_sockets(room, user_id), RoomLeft(room=room.slug, reason=reason))


def viewing(room: Room, user_id: int) -> Principal:
    """Return a principal to read as this user, with the user's role in the workspace."""
    role = WorkspaceMembership.objects.filter(workspace_id=room.workspace_id, user_id=user_id)
    return Principal(
        user_id=user_id,
        username="",
        is_staff=False,
        workspace_id=room.workspace_id,
        workspace="",
        role=role.values_list("role", flat=True).first() or "viewer",
    )


def _sockets(room: Room, user_id: int) -> dict[str, int]:
    return {"user_id": user_id, "workspace_id": room.workspace_id}
