"""Memberships of rooms: joining, leaving, roles, mutes, notification levels."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from accounts import audit
from accounts.models import Membership as WorkspaceMembership
from chat import selectors
from chat.models import Membership, NotificationLevel, Restriction, Role, Room, RoomKind
from chat.policy import NOT_ALLOWED, RoomAction, require_above, require_admission
from chat.protocol import MemberLeft, MemberUpdated
from chat.selectors import Place
from chat.services import moderation, notifying
from chat.services.common import admit, hide_room, locked_place, member_of, stamp, tell
from chat.services.rooms import remove
from realtime.auth import Principal
from realtime.errors import Conflict, InvalidCommand, NotFound, PermissionDenied, Reason
from realtime.streams.unit_of_work import unit_of_work


@unit_of_work
def join_room(*, principal: Principal, room: str) -> Membership:
    """Make the user a member of a public room; an existing membership stays unchanged.

    Raises:
        NotFound: no such room is visible to the user.
        PermissionDenied: the user was removed from the room.
    """
    place = selectors.find(principal, room)
    if place.membership is not None:
        return place.membership
    place = locked_place(principal, room)
    if place.membership is not None:
        return place.membership
    require_admission(place.standing)
    return admit(place.room, principal.user_id, Role.MEMBER, principal.user_id)


@unit_of_work
def leave_room(*, principal: Principal, room: str) -> None:
    """End the user's membership. A private room is deleted with its last member.

    Raises:
        NotFound: no such room is visible to the user, or the user is not a member.
        Conflict: a private room would lose its last owner, or the room is direct.
    """
    place = locked_place(principal, room)
    membership = member_of(place, principal.user_id)
    if place.room.kind == RoomKind.DIRECT:
        raise Conflict("A direct room stays: leave it unread, or mute it.")
    others = Membership.objects.filter(room=place.room).exclude(pk=membership.pk)
    if place.room.kind == RoomKind.PRIVATE and not others.exists():
        dismiss(place.room, membership, "left", principal.user_id)
        remove(place.room, principal.user_id)
        return
    if membership.role == Role.OWNER and place.room.kind == RoomKind.PRIVATE:
        _require_another_owner(place.room, membership)
    dismiss(place.room, membership, "left", principal.user_id)


@unit_of_work
def add_member(
    *, principal: Principal, room: str, user_id: int, role: str = Role.MEMBER
) -> Membership:
    """Add a user of the workspace to a room, also one who was removed from it.

    A mute that still lasts, and the role `read_only`, apply again: they are lifted by unmuting and
    by changing the role.

    Raises:
        NotFound: no such room is visible to the principal, or the workspace has no such user.
        PermissionDenied: the principal may not, or not with that role.
        Conflict: the user is a member already, or the room is direct.
    """
    place = locked_place(principal, room, RoomAction.MANAGE_MEMBERS)
    _require_role(role)
    _require_not_direct(place)
    # Only owners may grant a role that is not below their own.
    if role not in (Role.MEMBER, Role.READ_ONLY):
        require_above(place.standing, Role.READ_ONLY, role)
    people = WorkspaceMembership.objects.filter(workspace_id=principal.workspace_id)
    if not people.filter(user_id=user_id, user__is_active=True).exists():
        raise NotFound.field("user_id", "There is no such person in this workspace.")
    if selectors.is_member(place.room.pk, user_id):
        raise Conflict("They are a member of this room already.")
    removed = Restriction.objects.filter(room=place.room, user_id=user_id, removed=True).exists()
    membership = admit(place.room, user_id, role, principal.user_id)
    if removed:
        moderation.put_on_record(
            moderation.LIFT_RESTRICTION, place.room, membership.user, principal.user_id
        )
    notifying.invited(place.room, user_id, principal)
    return membership


@unit_of_work
def change_role(*, principal: Principal, room: str, user_id: int, role: str) -> Membership:
    """Give a member another role.

    Raises:
        NotFound: no such room is visible to the principal, or there is no such member.
        PermissionDenied: the principal may not.
        Conflict: it would leave a private room without an owner, or the room is direct.
    """
    place = locked_place(principal, room, RoomAction.MANAGE_MEMBERS)
    _require_role(role)
    _require_not_direct(place)
    membership = member_of(place, user_id)
    if membership.role == role:
        return membership
    require_above(place.standing, membership.role, role)
    if membership.role == Role.OWNER and place.room.kind == RoomKind.PRIVATE:
        _require_another_owner(place.room, membership)
    change = audit.Change(old=membership.role, new=role)
    membership.role = role
    membership.save(update_fields=["role"])
    moderation.put_on_record(
        moderation.CHANGE_ROOM_ROLE, place.room, membership.user, principal.user_id, role=change
    )
    tell_of_change(place.room, membership, principal.user_id)
    return membership


@unit_of_work
def remove_member(*, principal: Principal, room: str, user_id: int) -> None:
    """Remove a user from a room, which ends all their subscriptions to it at once.

    A principal who removes themselves leaves (leave_room).

    Raises:
        NotFound: no such room is visible to the principal, or there is no such member.
        PermissionDenied: the principal may not.
        Conflict: the room is direct, or the principal cannot leave it.
    """
    if user_id == principal.user_id:
        leave_room(principal=principal, room=room)
        return
    place = locked_place(principal, room)
    membership = member_of(place, user_id)
    _require_not_direct(place)
    if RoomAction.MANAGE_MEMBERS not in place.standing.actions:
        raise PermissionDenied(
            Reason(
                NOT_ALLOWED,
                role=place.standing.effective_role.replace("_", "-"),
                action=RoomAction.MANAGE_MEMBERS.value,
            )
        )
    require_above(place.standing, membership.role)
    moderation.put_on_record(
        moderation.REMOVE_FROM_ROOM, place.room, membership.user, principal.user_id
    )
    dismiss(place.room, membership, "removed", principal.user_id)


@unit_of_work
def set_notification_level(*, principal: Principal, room: str, level: str) -> Membership:
    """Choose the messages of a room that notify the user: `all`, `mentions` or `none`.

    Raises:
        NotFound: no such room is visible to the user, or the user is not a member.
        InvalidCommand: there is no such level.
    """
    if level not in NotificationLevel.values:
        raise InvalidCommand.field(
            "notify",
            Reason("A level is one of %(known)s.", known=", ".join(NotificationLevel.values)),
        )
    membership = member_of(selectors.find(principal, room), principal.user_id)
    Membership.objects.filter(pk=membership.pk).update(notify=level)
    membership.notify = level
    return membership


def dismiss(room: Room, membership: Membership, reason: str, by: int) -> None:
    """End a membership, and tell the room and its former member. Call in a unit of work."""
    user_id, username = membership.user_id, membership.user.username
    moderation.keep(room, membership, removed=reason == "removed" and by != user_id)
    membership.delete()
    tell(
        room,
        MemberLeft(
            room=room.slug,
            user_id=user_id,
            username=username,
            reason=reason,
            by=by,
            timestamp=stamp(),
        ),
    )
    notifying.close(room, user_id)
    hide_room(room, user_id, reason)


@unit_of_work
def mute_member(
    *, principal: Principal, room: str, user_id: int, until: datetime | None
) -> Membership:
    """Mute a member, who then can only read, until `until` (aware); None unmutes.

    Raises:
        NotFound: no such room is visible to the principal, or there is no such member.
        PermissionDenied: the principal may not mute this member.
        InvalidCommand: `until` is in the past.
    """
    if until is not None and until <= timezone.now():
        raise InvalidCommand.field("muted_until", "This time is over already.")
    place = locked_place(principal, room, RoomAction.MANAGE_MEMBERS)
    membership = member_of(place, user_id)
    require_above(place.standing, membership.role)
    if membership.muted_until != until:
        change = audit.Change(old=membership.muted_until, new=until)
        membership.muted_until = until
        membership.save(update_fields=["muted_until"])
        moderation.put_on_record(
            moderation.MUTE_MEMBER if until else moderation.UNMUTE_MEMBER,
            place.room,
            membership.user,
            principal.user_id,
            muted_until=change,
        )
        tell_of_change(place.room, membership, principal.user_id)
    return membership


def tell_of_change(room: Room, membership: Membership, by: int) -> None:
    """Tell a room that a membership has changed; needs its user."""
    member = selectors.member_view(membership)
    tell(room, MemberUpdated(room=room.slug, member=member, by=by, timestamp=stamp()))


def _require_role(role: str) -> None:
    if role not in Role.values:
        raise InvalidCommand.field(
            "role", Reason("A role is one of %(known)s.", known=", ".join(Role.values))
        )


def _require_not_direct(place: Place) -> None:
    if place.room.kind == RoomKind.DIRECT:
        raise Conflict("A direct room is of its two people, with equal rights.")


def _require_another_owner(room: Room, membership: Membership) -> None:
    # Users who can no longer sign in do not count as owners.
    owners = Membership.objects.filter(room=room, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=membership.pk).exists():
        raise Conflict("A private room keeps an owner: make somebody else owner first.")
