"""Announcements to everybody."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import Membership, Workspace
from notifications import kinds
from notifications.models import Announcement
from notifications.services.telling import notify
from realtime import pushes
from realtime.streams.unit_of_work import unit_of_work

SEND_ANNOUNCEMENT = audit.action("send_announcement", gettext_lazy("Announcement sent"))


@unit_of_work
def announce(*, announcement: Announcement) -> Announcement:
    """Store an announcement and send it to its connected users at once.

    With `keep`, every active member also gets it as a notification.
    """
    announcement.save()
    audit.record(
        SEND_ANNOUNCEMENT,
        announcement,
        workspace_id=announcement.workspace_id,
        details={"severity": announcement.severity, "keep": announcement.keep},
        by=announcement.author_id,
    )
    pushes.push_system_notification(
        message=announcement.message,
        severity=announcement.severity,  # type: ignore[arg-type]
        workspace_id=announcement.workspace_id,
    )
    if announcement.keep:
        for workspace_id in _workspaces(announcement):
            members = Membership.objects.filter(workspace_id=workspace_id)
            notify(
                workspace_id=workspace_id,
                user_ids=members.values_list("user_id", flat=True),
                kind=kinds.ANNOUNCEMENT,
                title=announcement.message,
                severity=announcement.severity,
                dedupe_key=f"announcement:{announcement.pk}",
            )
    return announcement


def _workspaces(announcement: Announcement) -> list[int]:
    if announcement.workspace_id is not None:
        return [announcement.workspace_id]
    return list(Workspace.objects.order_by("pk").values_list("pk", flat=True))
