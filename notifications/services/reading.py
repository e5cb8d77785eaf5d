"""Marking notifications as read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from django.db.models import Q, QuerySet
from django.utils import timezone

from notifications import selectors, streams
from notifications.models import Notification
from notifications.protocol import NotificationRead
from notifications.services.delivery import UnreadCounts
from notifications.subjects import Seen, Subject
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.streams.unit_of_work import emit, unit_of_work

# Limit of ids in one event, which keeps frames small however many notifications were unread.
IDS_IN_EVENT = 1000


@dataclass(frozen=True)
class ReadResult:
    """The ids that one call marked as read, and the number left unread."""

    ids: list[int]
    unread_count: int


def mark_read(*, principal: Principal, notification_ids: Sequence[int] | None) -> ReadResult:
    """Mark some of the principal's notifications as read, or all of them with None.

    Notifications already read stay unchanged. All of the user's sockets are told.

    Raises:
        NotFound: one of the ids is not a notification of theirs in this workspace; nothing has
            changed.
    """
    ids = _mark(principal, notification_ids)
    return ReadResult(ids, selectors.unread_count(principal.workspace_id, principal.user_id))


@unit_of_work
def mark_subjects_read(*, seen: Collection[Seen]) -> None:
    """Mark users' notifications about subjects that they have seen elsewhere as read.

    Locks all rows in a fixed order. Notifications already read stay unchanged, and each user's
    sockets are told.
    """
    by_place = {(*each.subject, each.user_id): each for each in seen}
    # With several subjects this selects too many rows, but few notifications are unread.
    unread = Notification.objects.filter(
        read_at=None,
        user_id__in={each.user_id for each in seen},
        subject_kind__in={each.subject.kind for each in seen},
        subject_id__in={each.subject.id for each in seen},
    )
    rows = unread.values_list("pk", "subject_kind", "subject_id", "user_id", "subject_sequence")
    ids = [
        pk
        for pk, kind, subject_id, user_id, sequence in rows
        if (one := by_place.get((kind, subject_id or 0, user_id))) and one.covers(sequence)
    ]
    if ids:
        _note(Notification.objects.filter(pk__in=ids))


@unit_of_work
def mark_withdrawn_read(*, subject: Subject, withdrawn: Q, touched: Q | None = None) -> None:
    """Mark notifications about a subject as read because what they tell of is gone.

    Args:
        withdrawn: which of them, as a condition on Notification.
        touched: others that the caller changes later in the transaction; they are locked now,
            in one order with these, so that nobody else's locks can cross.
    """
    about = selectors.about(subject)
    if touched is not None:
        wanted = about.filter(touched | (withdrawn & Q(read_at=None)))
        list(wanted.select_for_update(no_key=True).order_by("id").values_list("pk"))
    _note(about.filter(withdrawn))


@unit_of_work
def _mark(principal: Principal, notification_ids: Sequence[int] | None) -> list[int]:
    mine = selectors.of_user(principal.workspace_id, principal.user_id)
    if notification_ids is not None:
        wanted = set(notification_ids)
        mine = mine.filter(pk__in=wanted)
        if mine.count() < len(wanted):
            raise NotFound("There is no such notification.")
    return _note(mine)


def _note(rows: QuerySet[Notification]) -> list[int]:
    """Mark the unread ones of `rows` as read and tell their users; returns their ids."""
    # Locked, so that each of two concurrent calls reports only the rows that it marked. In a fixed
    # order, so that they cannot deadlock.
    unread = rows.filter(read_at=None).select_for_update(no_key=True).order_by("id")
    ids: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    marked = []
    for pk, workspace_id, user_id in unread.values_list("pk", "workspace_id", "user_id"):
        ids[workspace_id][user_id].append(pk)
        marked.append(pk)
    Notification.objects.filter(pk__in=marked, read_at=None).update(read_at=timezone.now())
    for workspace_id, by_user in ids.items():
        counts = UnreadCounts(workspace_id, sorted(by_user))
        for user_id, theirs in by_user.items():
            _tell(workspace_id, user_id, theirs, counts)
    return marked


def _tell(workspace_id: int, user_id: int, ids: list[int], counts: UnreadCounts) -> None:
    for start in range(0, len(ids), IDS_IN_EVENT):
        part = ids[start : start + IDS_IN_EVENT]
        emit(streams.inbox(workspace_id, user_id), partial(_event, part, user_id, counts))


def _event(ids: list[int], user_id: int, counts: UnreadCounts) -> NotificationRead:
    return NotificationRead(ids=ids, unread_count=counts.of(user_id))
