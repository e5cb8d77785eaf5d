"""Retracting text that notifications have quoted."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

import msgspec

from notifications import selectors, streams
from notifications.models import Notification
from notifications.protocol import NewNotification, NotificationChanged
from notifications.services.delivery import UnreadCounts
from notifications.subjects import Subject
from realtime.streams.log import rewrite
from realtime.streams.unit_of_work import emit, unit_of_work


@unit_of_work
def take_back(
    *, workspace_id: int, subject: Subject, sequences: Collection[int] | None = None
) -> None:
    """Empty the message of notifications about a subject, as it quotes text that is gone.

    Titles stay. Each user is told, and the message is removed from all stored events.

    Args:
        sequences: only notifications about these places in the subject; None: all of them.
    """
    found = selectors.about(subject).filter(workspace_id=workspace_id).exclude(message="")
    if sequences is not None:
        found = found.filter(subject_sequence__in=sequences)
    told = list(found.select_for_update(no_key=True).order_by("id"))
    if not told:
        return
    ids = [notification.pk for notification in told]
    Notification.objects.filter(pk__in=ids).update(message="")
    user_ids = sorted({notification.user_id for notification in told})
    rewrite([streams.inbox(workspace_id, user_id) for user_id in user_ids], ids, _emptied)
    counts = UnreadCounts(workspace_id, user_ids)
    for notification in told:
        notification.message = ""
        event = partial(_changed, selectors.document(notification), notification.user_id, counts)
        emit(streams.inbox(workspace_id, notification.user_id), event)


def _emptied(payload: str) -> str:
    event = msgspec.json.decode(payload, type=NewNotification)
    event.data["message"] = ""
    return event.encode().decode()


def _changed(
    document: dict[str, object], user_id: int, counts: UnreadCounts
) -> NotificationChanged:
    return NotificationChanged(data=document, unread_count=counts.of(user_id))
