"""Creating, changing, archiving and deleting rooms."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import Membership as WorkspaceMembership
from accounts.names import clean_name
from accounts.policy import Action, allowed
from accounts.policy import require as require_action
from chat import selectors
from chat.models import Membership, Role, Room, RoomKind
from chat.policy import RoomAction, require
from chat.protocol import (
    MAX_NAME_LENGTH,
    MAX_SLUG_LENGTH,
    MAX_TOPIC_LENGTH,
    ROOM_SLUG,
    RoomDeleted,
    RoomUpdated,
)
from chat.services import notifying
from chat.services.common import admit, hide_room, locked_place, stamp, tell
from realtime.auth import Principal
from realtime.errors import Conflict, InvalidCommand, Reason
from realtime.streams.unit_of_work import unit_of_work

DELETE_ROOM = audit.action("delete_room", gettext_lazy("Room deleted"))
_SLUG = re.compile(ROOM_SLUG)
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
MAX_RETENTION_DAYS = 36_500
# The default of fields for which None is a value.
UNCHANGED: Any = object()


@unit_of_work
def create_room(
    *,
    principal: Principal,
    name: str,
    slug: str | None = None,
    kind: str = RoomKind.PUBLIC,
    topic: str = "",
    retention_days: int | None = None,
) -> Room:
    """Create a public or private room, owned by its creator.

    Args:
        slug: identifies it for programs; by default made from the name, and for a private room
            unguessable.

    Raises:
        PermissionDenied: the principal's role does not allow creating rooms.
        InvalidCommand: a field is invalid.
        Conflict: the slug is taken, or was: those of deleted rooms are not reused. Or the principal
            has made as many rooms as a member may.
    """
    require_action(principal, Action.CREATE_ROOMS)
    if kind not in (RoomKind.PUBLIC, RoomKind.PRIVATE):
        raise InvalidCommand.field(
            "kind", "A room is public or private; direct ones are opened by person."
        )
    fields = _checked(name=name, topic=topic, retention_days=retention_days)
    _require_quota(principal)
    if slug is None:
        room = _with_free_slug(principal, kind, fields)
    else:
        room = _with_slug(principal, _checked_slug(slug), kind, fields)
    admit(room, principal.user_id, Role.OWNER, principal.user_id)
    return room


@unit_of_work
def update_room(
    *,
    principal: Principal,
    room: str,
    name: str = UNCHANGED,
    topic: str = UNCHANGED,
    retention_days: int | None = UNCHANGED,
) -> Room:
    """Change a room's name, topic, or the days for which messages are kept (None: for good).

    Raises:
        NotFound, PermissionDenied: the user may not see the room, or not change it.
        InvalidCommand: a field is invalid.
    """
    given = {"name": name, "topic": topic, "retention_days": retention_days}
    changes = _checked(**{key: value for key, value in given.items() if value is not UNCHANGED})
    place = locked_place(principal, room, RoomAction.EDIT_ROOM)
    if "retention_days" in changes and changes["retention_days"] != place.room.retention_days:
        require(place.standing, RoomAction.MANAGE_ROOM, timezone.now())
    return _change(place.room, changes, principal.user_id)


@unit_of_work
def archive_room(*, principal: Principal, room: str, archived: bool = True) -> Room:
    """Archive a room, which then is read-only, or reopen it.

    Raises:
        NotFound, PermissionDenied: the user may not see the room, or not archive it.
    """
    place = locked_place(principal, room, RoomAction.MANAGE_ROOM)
    if archived == (place.room.archived_at is not None):
        return place.room
    moment = timezone.now() if archived else None
    return _change(place.room, {"archived_at": moment}, principal.user_id)


@unit_of_work
def delete_room(*, principal: Principal, room: str) -> None:
    """Delete a room for everybody at once; the retention worker removes its contents.

    Raises:
        NotFound, PermissionDenied: the user may not see the room, or not delete it.
    """
    place = locked_place(principal, room, RoomAction.MANAGE_ROOM)
    remove(place.room, principal.user_id)


@unit_of_work
def save_room(*, room: Room, changed: Iterable[str], by: int) -> Room:
    """Save changes made in the admin, and tell the room."""
    return _change(room, {name: getattr(room, name) for name in changed}, by)


def remove(room: Room, by: int) -> None:
    """Mark a room as deleted; call with its row locked, inside a unit of work."""
    Room.objects.filter(pk=room.pk).update(deleted_at=timezone.now())
    audit.record(
        DELETE_ROOM,
        room,
        workspace_id=room.workspace_id,
        staff_only=not room.is_open,
        details={"slug": room.slug, "kind": room.kind},
        by=by,
    )
    notifying.close(room)
    tell(room, RoomDeleted(room=room.slug, by=by, timestamp=stamp()))
    for user_id in Membership.objects.filter(room=room).values_list("user_id", flat=True):
        hide_room(room, user_id, "deleted")


def _change(room: Room, changes: dict[str, Any], by: int) -> Room:
    if changes:
        Room.objects.filter(pk=room.pk).update(**changes)
        room.refresh_from_db()
        info = selectors.room_view(room)
        tell(room, RoomUpdated(room=room.slug, info=info, by=by, timestamp=stamp()))
    return room


def _require_quota(principal: Principal) -> None:
    """Refuse another room to a member who has made many, those deleted within a day included."""
    if allowed(principal.role, Action.MANAGE_ROOMS):
        return
    # The lock has two requests of one member counted one after the other.
    mine = WorkspaceMembership.objects.filter(
        workspace_id=principal.workspace_id, user_id=principal.user_id
    )
    mine.select_for_update(no_key=True).order_by("pk").first()
    lately = timezone.now() - timedelta(days=1)
    made = Room.objects.filter(
        Q(deleted_at=None) | Q(created_at__gt=lately),
        workspace_id=principal.workspace_id,
        created_by_id=principal.user_id,
    ).exclude(kind=RoomKind.DIRECT)
    most = settings.QUOTAS["rooms"]
    if made.count() >= most:
        raise Conflict.field(
            "name",
            Reason(
                "A member may make at most %(most)d rooms: delete some, or ask an admin of the "
                "workspace.",
                most=most,
            ),
        )


def _with_slug(principal: Principal, slug: str, kind: str, fields: dict[str, Any]) -> Room:
    try:
        with transaction.atomic():
            return Room.objects.create(
                workspace_id=principal.workspace_id,
                slug=slug,
                kind=kind,
                created_by_id=principal.user_id,
                **fields,
            )
    except IntegrityError as error:
        raise Conflict.field("slug", "This name is not free.") from error


def _with_free_slug(principal: Principal, kind: str, fields: dict[str, Any]) -> Room:
    stem = slug_from(fields["name"])
    if kind == RoomKind.PUBLIC and stem:
        try:
            return _with_slug(principal, stem, kind, fields)
        except Conflict:
            pass
    return _with_slug(principal, unguessable_slug(stem or "room"), kind, fields)


def slug_from(name: str) -> str:
    """Return the part of a name that can be in a slug; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: MAX_SLUG_LENGTH - 14].strip("-")


def unguessable_slug(stem: str) -> str:
    """Return a slug that begins with `stem` and ends with 59 random bits."""
    return f"{stem}-{''.join(secrets.choice(_ALPHABET) for _ in range(12))}"


def _checked_slug(slug: str) -> str:
    if len(slug) > MAX_SLUG_LENGTH or not _SLUG.fullmatch(slug):
        raise InvalidCommand.field(
            "slug",
            Reason(
                "A slug has at most %(most)d of a-z, 0-9, - and _, and starts with a letter or a "
                "digit.",
                most=MAX_SLUG_LENGTH,
            ),
        )
    return slug


def _clean(name: str) -> str:
    # What is far too long is refused as it is.
    return clean_name(name) if len(name) <= 10 * MAX_TOPIC_LENGTH else name


def _checked(**fields: Any) -> dict[str, Any]:
    if "name" in fields:
        fields["name"] = _clean(fields["name"])
        if not 1 <= len(fields["name"]) <= MAX_NAME_LENGTH:
            raise InvalidCommand.field(
                "name", Reason("A room's name has 1 to %(most)d characters.", most=MAX_NAME_LENGTH)
            )
    if "topic" in fields:
        fields["topic"] = _clean(fields["topic"])
        if len(fields["topic"]) > MAX_TOPIC_LENGTH:
            raise InvalidCommand.field(
                "topic", Reason("A topic has at most %(most)d characters.", most=MAX_TOPIC_LENGTH)
            )
    days = fields.get("retention_days")
    if days is not None and not 1 <= days <= MAX_RETENTION_DAYS:
        raise InvalidCommand.field(
            "retention_days",
            Reason("From 1 to %(most)d days; null: for good.", most=MAX_RETENTION_DAYS),
        )
    return fields
