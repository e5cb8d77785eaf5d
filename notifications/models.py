"""Notifications to single users, and announcements by administrators to everybody."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from notifications.subjects import MAX_SUBJECT_KIND

MAX_TITLE = 200
MAX_MESSAGE = 2000
MAX_LINK = 500


class Severity(models.TextChoices):
    """The importance of a message; the values are those of the protocol."""

    INFO = "info", _("Info")
    WARNING = "warning", _("Warning")
    CRITICAL = "critical", _("Critical")


class Notification(models.Model):
    """A message to one user in one workspace; unread while `read_at` is null.

    `link` is a path on this site or an http(s) address. A user has at most one notification with
    the same non-empty `dedupe_key` in a workspace. `subject_kind` and `subject_id` name its subject
    (notifications.subjects), and `subject_sequence` the place in it if the subject has an order:
    for example, a message's sequence in its room.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="+", verbose_name=_("workspace")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notifications",
        verbose_name=_("user"),
    )
    kind = models.CharField(_("kind"), max_length=40)
    title = models.CharField(_("title"), max_length=MAX_TITLE)
    message = models.TextField(_("message"), blank=True, max_length=MAX_MESSAGE)
    severity = models.CharField(
        _("severity"), max_length=10, choices=Severity.choices, default=Severity.INFO
    )
    link = models.CharField(_("link"), max_length=MAX_LINK, blank=True)
    dedupe_key = models.CharField(max_length=120, blank=True, editable=False)
    # A database default: processes of the previous release insert rows without this column.
    subject_kind = models.CharField(
        max_length=MAX_SUBJECT_KIND, blank=True, db_default="", editable=False
    )
    subject_id = models.BigIntegerField(null=True, editable=False)
    subject_sequence = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    read_at = models.DateTimeField(_("read"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "workspace", "dedupe_key"],
                condition=~models.Q(dedupe_key=""),
                name="notifications_once_per_key",
            ),
            models.CheckConstraint(
                condition=models.Q(severity__in=Severity.values),
                name="notifications_severity_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    subject_kind="", subject_id__isnull=True, subject_sequence__isnull=True
                )
                | (~models.Q(subject_kind="") & models.Q(subject_id__isnull=False)),
                name="notifications_subject_complete",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "workspace", "-id"], name="notifications_page"),
            models.Index(
                fields=["subject_kind", "subject_id", "user", "subject_sequence"],
                condition=models.Q(subject_id__isnull=False),
                name="notifications_subject",
            ),
            models.Index(
                fields=["user", "workspace", "-id"],
                condition=models.Q(read_at=None),
                name="notifications_unread",
            ),
            models.Index(
                fields=["read_at"],
                condition=models.Q(read_at__isnull=False),
                name="notifications_read_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.user})"

    @property
    def read(self) -> bool:
        return self.read_at is not None


class Announcement(models.Model):
    """A message to everybody in one workspace, or in all of them."""

    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("workspace"),
        help_text=_("Empty: everybody in every workspace."),
    )
    message = models.CharField(_("message"), max_length=MAX_TITLE)
    severity = models.CharField(
        _("severity"), max_length=10, choices=Severity.choices, default=Severity.INFO
    )
    keep = models.BooleanField(
        _("keep in inboxes"),
        default=True,
        help_text=_("Also a notification, for those who are not there now."),
    )
    author = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("author"),
    )
    created_at = models.DateTimeField(_("sent"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(severity__in=Severity.values),
                name="notifications_announcement_severity_known",
            ),
        ]

    def __str__(self) -> str:
        return self.message
