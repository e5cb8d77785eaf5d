"""Models of rooms and their memberships."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User, Workspace
from chat.protocol import MAX_NAME_LENGTH, MAX_SLUG_LENGTH, MAX_TOPIC_LENGTH, ROOM_SLUG

room_slug = RegexValidator(
    rf"\A{ROOM_SLUG}\Z", _("Use a-z, 0-9, - and _, starting with a letter or a digit.")
)


class RoomKind(models.TextChoices):
    """Kinds of rooms: readable by the whole workspace, by the members, or by two users."""

    PUBLIC = "public", pgettext_lazy("room", "Public")
    PRIVATE = "private", pgettext_lazy("room", "Private")
    DIRECT = "direct", pgettext_lazy("room", "Direct")


class Role(models.TextChoices):
    """A member's role in a room; chat/policy.py has the permissions."""

    OWNER = "owner", pgettext_lazy("room role", "Owner")
    MODERATOR = "moderator", pgettext_lazy("room role", "Moderator")
    MEMBER = "member", pgettext_lazy("room role", "Member")
    READ_ONLY = "read_only", pgettext_lazy("room role", "Read only")


class NotificationLevel(models.TextChoices):
    """The messages of a room that a member wants to be notified of."""

    ALL = "all", _("Every message")
    MENTIONS = "mentions", _("Mentions")
    NONE = "none", _("Nothing")


class Room(models.Model):
    """A conversation. Messages `floor_sequence` < sequence ≤ `head_sequence` exist.

    The row lock orders the room's messages: its holder assigns the next sequence. A deleted room
    keeps its row so that its slug, under which clients store positions, is never reused.
    `direct_key` identifies the two users of a direct room.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="rooms", verbose_name=_("workspace")
    )
    slug = models.CharField(_("slug"), max_length=MAX_SLUG_LENGTH, validators=[room_slug])
    name = models.CharField(_("name"), max_length=MAX_NAME_LENGTH)
    topic = models.CharField(_("topic"), max_length=MAX_TOPIC_LENGTH, blank=True)
    kind = models.CharField(
        _("kind"), max_length=10, choices=RoomKind.choices, default=RoomKind.PUBLIC
    )
    direct_key = models.CharField(max_length=48, null=True, blank=True, editable=False)  # noqa: DJ001
    retention_days = models.PositiveIntegerField(
        _("keep messages for (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("Empty: for good."),
    )
    head_sequence = models.BigIntegerField(default=0, editable=False)
    floor_sequence = models.BigIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["workspace", "slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "slug"], name="chat_room_slug_once_per_workspace"
            ),
            models.UniqueConstraint(
                fields=["workspace", "direct_key"], name="chat_room_one_per_pair"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=RoomKind.values), name="chat_room_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(kind=RoomKind.DIRECT, direct_key__isnull=False)
                | (~models.Q(kind=RoomKind.DIRECT) & models.Q(direct_key__isnull=True)),
                name="chat_room_pair_where_direct",
            ),
            models.CheckConstraint(
                condition=models.Q(floor_sequence__gte=0)
                & models.Q(head_sequence__gte=models.F("floor_sequence")),
                name="chat_room_floor_below_head",
            ),
            models.CheckConstraint(
                condition=models.Q(retention_days__isnull=True) | models.Q(retention_days__gte=1),
                name="chat_room_retention_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.slug

    @property
    def is_open(self) -> bool:
        """True if everybody in the workspace may know of the room."""
        return self.kind == RoomKind.PUBLIC


class Membership(models.Model):
    """A user's membership in a room: role, read marker, notification level.

    `muted_until`: set by moderators; until then the user can read but not post.
    """

    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("room")
    )
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="room_memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    read_sequence = models.BigIntegerField(default=0, editable=False)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    notify = models.CharField(
        _("notify about"),
        max_length=10,
        choices=NotificationLevel.choices,
        default=NotificationLevel.MENTIONS,
    )
    joined_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("room member")
        verbose_name_plural = _("room members")
        ordering = ["room", "user__username"]
        constraints = [
            models.UniqueConstraint(fields=["room", "user"], name="chat_membership_once_per_room"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="chat_membership_role_known"
            ),
            models.CheckConstraint(
                condition=models.Q(notify__in=NotificationLevel.values),
                name="chat_membership_notify_known",
            ),
            models.CheckConstraint(
                condition=models.Q(read_sequence__gte=0), name="chat_membership_read_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.room} · {self.get_role_display()}"


class Restriction(models.Model):
    """Moderation of a user who is not a member of the room; it applies again on joining.

    A membership holds its user's role and mute. When it ends, what moderators restricted is kept
    here until the user is a member again. `role`: the highest role the user may then have; empty:
    any. `removed`: the user was removed from a public room, and cannot join it by themselves.
    """

    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, related_name="restrictions", verbose_name=_("room")
    )
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    role = models.CharField(_("highest role"), max_length=10, choices=Role.choices, blank=True)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    removed = models.BooleanField(_("removed"), default=False)
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("room restriction")
        verbose_name_plural = _("room restrictions")
        ordering = ["room", "user__username"]
        constraints = [
            models.UniqueConstraint(fields=["room", "user"], name="chat_restriction_once_per_room"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.room}"
