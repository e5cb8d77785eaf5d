"""Delivery of stored notifications to their users, always through `deliver`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from notifications import selectors, streams
from notifications.models import Notification
from notifications.protocol import NewNotification
from realtime.streams.unit_of_work import emit


class UnreadCounts:
    """Numbers of unread notifications by user, at the end of a unit of work.

    Call `of` only at that time (streams.unit_of_work.emit with a function): the streams are locked
    then, so no other change can come between a count and its place in the stream.
    """

    def __init__(self, workspace_id: int, user_ids: Sequence[int]) -> None:
        self._workspace_id = workspace_id
        self._user_ids = user_ids
        self._counts: dict[int, int] | None = None

    def of(self, user_id: int) -> int:
        if self._counts is None:
            self._counts = selectors.unread_counts(self._workspace_id, self._user_ids)
        return self._counts.get(user_id, 0)


def deliver(notifications: Sequence[Notification]) -> None:
    """Deliver new notifications to their users. Call inside the unit of work that stored them.

    In-app delivery: an event in each user's own stream, which the bell on every page follows.
    """
    by_workspace: dict[int, list[Notification]] = defaultdict(list)
    for notification in notifications:
        by_workspace[notification.workspace_id].append(notification)
    for workspace_id, told in by_workspace.items():
        counts = UnreadCounts(workspace_id, sorted({each.user_id for each in told}))
        for notification in told:
            emit(streams.inbox(workspace_id, notification.user_id), _event(notification, counts))


def _event(notification: Notification, counts: UnreadCounts) -> Callable[[], NewNotification]:
    return partial(_new, selectors.document(notification), notification.user_id, counts)


def _new(document: dict[str, object], user_id: int, counts: UnreadCounts) -> NewNotification:
    return NewNotification(data=document, unread_count=counts.of(user_id))
