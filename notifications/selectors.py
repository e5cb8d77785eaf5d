"""Selectors: a user's notifications in a workspace, newest first, and unread counts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from notifications.models import Notification
from notifications.subjects import Subject
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.protocol import rfc3339

# Limit of notifications in a snapshot; its count covers all, and REST returns the others in pages.
SNAPSHOT = 100


@dataclass(frozen=True)
class Snapshot:
    """The newest unread notifications, and the total number of unread ones."""

    unread: list[Notification]
    unread_count: int


def page(
    principal: Principal, *, unread: bool | None = None, kind: str | None = None
) -> QuerySet[Notification]:
    """Return the principal's notifications in their workspace, newest first.

    Args:
        unread: only unread (True) or only read ones (False).
        kind: only those of this kind.
    """
    found = of_user(principal.workspace_id, principal.user_id)
    if unread is not None:
        found = found.filter(read_at__isnull=unread)
    if kind is not None:
        found = found.filter(kind=kind)
    return found.order_by("-id")


def one(principal: Principal, notification_id: int) -> Notification:
    """Return one of the principal's notifications.

    Raises:
        NotFound: there is none with that id, or it is another user's.
    """
    found = of_user(principal.workspace_id, principal.user_id).filter(pk=notification_id).first()
    if found is None:
        raise NotFound("There is no such notification.")
    return found


def kinds_of(principal: Principal) -> set[str]:
    """Return the kinds of the principal's notifications in their workspace."""
    found = of_user(principal.workspace_id, principal.user_id)
    return set(found.order_by().values_list("kind", flat=True).distinct())


def snapshot(principal: Principal) -> Snapshot:
    """Return the data for a socket that connects."""
    unread = page(principal, unread=True)
    newest = list(unread[:SNAPSHOT])
    return Snapshot(newest, len(newest) if len(newest) < SNAPSHOT else unread.count())


def unread_count(workspace_id: int, user_id: int) -> int:
    return of_user(workspace_id, user_id).filter(read_at=None).count()


def unread_counts(workspace_id: int, user_ids: Collection[int]) -> dict[int, int]:
    """Return the number of unread notifications by user id; omits users without any."""
    unread = Notification.objects.filter(
        workspace_id=workspace_id, user_id__in=user_ids, read_at=None
    )
    rows = unread.order_by().values("user_id").annotate(number=Count("id"))
    return {row["user_id"]: row["number"] for row in rows}


def users_told(subject: Subject, *, kind: str) -> list[int]:
    """Return the ids of the users who got a notification of this kind about a subject.

    Read notifications count for as long as they are kept (settings.NOTIFICATION_RETENTION).
    """
    told = about(subject).filter(kind=kind).order_by("user_id")
    return list(told.values_list("user_id", flat=True).distinct())


def told_beyond(subject: Subject, *, kind: str, user: str, sequence: str) -> Exists:
    """Return a condition on rows of users: they were notified of something after their sequence.

    Args:
        kind: only notifications of this kind count.
        user: the column of the queried rows that holds the user's id.
        sequence: the column that holds the sequence up to which the user knows the subject.
    """
    later = about(subject).filter(
        kind=kind, user_id=OuterRef(user), subject_sequence__gt=OuterRef(sequence)
    )
    return Exists(later)


def about(subject: Subject) -> QuerySet[Notification]:
    """Return all notifications about one subject."""
    return Notification.objects.filter(subject_kind=subject.kind, subject_id=subject.id)


def of_user(workspace_id: int, user_id: int) -> QuerySet[Notification]:
    """Return all notifications of one user in one workspace."""
    return Notification.objects.filter(workspace_id=workspace_id, user_id=user_id)


def document(notification: Notification) -> dict[str, Any]:
    """Return a notification in the form of the protocol and the REST API."""
    return {
        "id": notification.pk,
        "kind": notification.kind,
        "title": notification.title,
        "message": notification.message,
        "severity": notification.severity,
        "link": notification.link,
        "created_at": rfc3339(notification.created_at),
        "read": notification.read,
    }
