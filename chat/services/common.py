"""What the services of chat share: locking a room, telling its stream and its people."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from accounts.models import Membership as WorkspaceMembership
from chat import selectors
from chat.models import Membership, Room
from chat.policy import RoomAction, require
from chat.protocol import MemberJoined, RoomJoined, RoomLeft
from chat.selectors import Place
from chat.services import notifying
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
    """A room with its row locked to the end of the transaction, where `action` is allowed.

    Memberships and settings change under this lock, so that whoever holds it can rely on them.

    Raises:
        NotFound: there is no such room for this person.
        PermissionDenied, Conflict: `action` is not for them (chat.policy).
    """
    place = selectors.find(principal, slug)
    lock_rooms(Q(pk=place.room.pk))
    # Read again: it may have changed while we waited for the lock.
    place = selectors.find(principal, slug)
    if action is not None:
        require(place.standing, action, timezone.now())
    return place


def lock_rooms(wanted: Q) -> dict[int, Room]:
    """Lock these rooms' rows, in the order of their ids, and give them as they are now."""
    rows = Room.objects.select_for_update(no_key=True).filter(wanted).order_by("pk")
    return {room.pk: room for room in rows}


def member_of(place: Place, user_id: int) -> Membership:
    """The membership of somebody in a room.

    Raises:
        NotFound: they are no member of it.
    """
    found = Membership.objects.filter(room=place.room, user_id=user_id).select_related("user")
    membership = found.first()
    if membership is None:
        raise NotFound.field("user_id", "There is no such member.")
    return membership


def admit(room: Room, user_id: int, role: str, by: int) -> Membership:
    """Make somebody a member, who has read all that there is; tell the room and them."""
    membership = enroll(room, user_id, role, by)
    notifying.read({(room.pk, user_id): membership.read_sequence})
    show_room(room, user_id)
    return membership


def enroll(room: Room, user_id: int, role: str, by: int) -> Membership:
    """Make somebody a member and tell the room; they themselves are told by who calls this."""
    membership = Membership.objects.create(
        room=room, user_id=user_id, role=role, read_sequence=room.head_sequence
    )
    tell(
        room,
        MemberJoined(
            room=room.slug, member=selectors.member_view(membership), by=by, timestamp=stamp()
        ),
    )
    return membership


def show_room(room: Room, user_id: int) -> None:
    """Have a room appear on somebody's open pages, on commit."""
    # The summary is read as theirs; of their login nothing but the id matters for that.
    viewer = viewing(room, user_id)
    info = selectors.room_summary(viewer, room.slug)
    publish.publish_direct(_sockets(room, user_id), RoomJoined(room=room.slug, info=info))


def hide_room(room: Room, user_id: int, reason: str) -> None:
    """Have a room disappear from somebody's open pages, on commit."""
    publish.publish_direct(_sockets(room, user_id), RoomLeft(room=room.slug, reason=reason))


def viewing(room: Room, user_id: int) -> Principal:
    """A principal to read with on somebody's behalf, with their role in the workspace."""
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
