"""Users, workspaces, credentials (sessions, tokens, tickets), and the audit log."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth import hashers
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.fields import FoldedCharField, UniqueFold
from accounts.folding import fold
from accounts.names import RESERVED, clean_name


class Role(models.TextChoices):
    """The role of a membership; policy.py maps roles to actions."""

    OWNER = "owner", pgettext_lazy("role", "Owner")
    ADMIN = "admin", pgettext_lazy("role", "Admin")
    MEMBER = "member", pgettext_lazy("role", "Member")
    VIEWER = "viewer", pgettext_lazy("role", "Viewer")


def not_reserved(username: str) -> None:
    """Refuse the names that call everybody.

    Raises:
        ValidationError: it is one of them, in whatever case.
    """
    if fold(username) in RESERVED:
        raise ValidationError(_("This name calls everybody: choose another."), code="reserved")


def visible(username: str) -> None:
    """Refuse letters that are not drawn.

    Raises:
        ValidationError: it has one.
    """
    if clean_name(username) != username:
        raise ValidationError(_("This name has characters that cannot be seen."), code="invisible")


# As Django declares it: only more is refused here.
_USERNAME = AbstractUser._meta.get_field("username")


class UserManager(DjangoUserManager["User"]):
    """Finds people by username as it is folded: two names may not fold to the same."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(folded=fold(username or ""))


class User(AbstractUser):
    """A person, or a program with its own login.

    `folded` and `folded_email` are the name and address as they are compared (accounts.folding).
    `last_seen_at` is the time of the latest request or open socket, over all credentials; it is
    written at most once a minute.
    """

    last_seen_at = models.DateTimeField(
        _("last seen"), null=True, blank=True, editable=False, db_index=True
    )

    # The mark held by sessions and JWTs from before the same password was rehashed with other
    # parameters, so that they stay valid. Empty: the mark comes from the current hash.
    kept_auth_hash = models.CharField(max_length=128, blank=True, editable=False)
    username = models.CharField(
        _USERNAME.verbose_name,
        max_length=150,
        unique=True,
        help_text=_USERNAME.help_text,
        validators=[AbstractUser.username_validator, not_reserved, visible],
        error_messages={"unique": _("A user with that username already exists.")},
    )
    folded = FoldedCharField(source="username", max_length=450, editable=False)
    folded_email = FoldedCharField(
        source="email", max_length=762, editable=False, blank=True, default=""
    )

    objects: ClassVar[UserManager] = UserManager()

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]
        verbose_name_plural = _("users")  # type: ignore[assignment]
        constraints = [
            UniqueFold(
                fields=["folded"],
                name="accounts_user_username_once",
                violation_error_message=_("A user with that username already exists."),
            ),
            UniqueFold(
                fields=["folded_email"],
                name="accounts_user_email_once",
                condition=~models.Q(folded_email=""),
                violation_error_message=_("Somebody else uses that email address."),
            ),
        ]

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Check each field, of a name as it will be shown."""
        self.first_name, self.last_name = clean_name(self.first_name), clean_name(self.last_name)
        super().clean_fields(exclude)

    def save(
        self,
        *args: Any,
        update_fields: Iterable[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Save; with a name or an address its folded form goes too.

        Raises:
            ValidationError: it is a new user by a name that calls everybody.
        """
        if self._state.adding:
            not_reserved(self.username)
        if update_fields is not None:
            folded = {"username": "folded", "email": "folded_email"}
            update_fields = [
                *update_fields,
                *(folded[name] for name in folded.keys() & set(update_fields)),
            ]
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    def get_session_auth_hash(self) -> str:
        """Return the mark that sessions and JWTs hold; it changes only with the password."""
        return self.kept_auth_hash or super().get_session_auth_hash()

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.kept_auth_hash = ""

    def check_password(self, raw_password: str | None) -> bool:
        """Check the password, and rehash it if its hash has other parameters."""

        def hash_again(raw_password: str) -> None:
            before, kept = self.password, self.get_session_auth_hash()
            self.set_password(raw_password)
            self._password = None  # not a new password, so signal receivers must not see one
            self.kept_auth_hash = kept
            # Does not overwrite a password that was changed in the meantime.
            User.objects.filter(pk=self.pk, password=before).update(
                password=self.password, kept_auth_hash=kept
            )

        return hashers.check_password(raw_password, self.password, hash_again)


class Workspace(models.Model):
    """The tenant: every row of every app belongs to exactly one workspace."""

    slug = models.SlugField(_("slug"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        "accounts.User", through="accounts.Membership", related_name="workspaces"
    )

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's membership in a workspace."""

    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=_("user"),
    )
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=_("workspace"),
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)
    is_default = models.BooleanField(_("opens first"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["workspace__slug", "user__username"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "workspace"],
                name="accounts_membership_once_per_workspace",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default=True),
                name="accounts_membership_one_default",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values),
                name="accounts_membership_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.workspace} · {self.get_role_display()}"


class UserSession(models.Model):
    """The device, address and times of a Django session, so that its owner can review and end it.

    The foreign key deletes the row when the session is deleted, however that happens.
    """

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="seen", db_column="session_key"
    )
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("user")
    )
    created_at = models.DateTimeField(_("signed in"), default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("device"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-last_seen_at"]
        indexes = [models.Index(fields=["last_seen_at"], name="accounts_session_last_seen")]

    def __str__(self) -> str:
        return f"{self.user} · {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def session_key(self) -> str:
        return self.session_id


class RefreshToken(models.Model):
    """A program's login by password (`POST /api/v1/token/`), which its owner can review and end.

    The refresh token and the access tokens made from it are valid while this row exists
    (ADR 0023). `jti` is the refresh token's id.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="refresh_tokens", verbose_name=_("user")
    )
    jti = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("signed in"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), db_index=True, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("device"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("program that is signed in")
        verbose_name_plural = _("programs that are signed in")
        ordering = ["-last_used_at"]

    def __str__(self) -> str:
        return f"{self.user} · {self.created_at:%Y-%m-%d %H:%M}"


class ApiToken(models.Model):
    """A program's credential for one workspace, with its owner's role. Only a hash is stored."""

    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        verbose_name=_("user"),
    )
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        verbose_name=_("workspace"),
    )
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("starts with"), max_length=16, editable=False)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def state(self, now: datetime | None = None) -> str:
        """Return `active`, `expired` or `revoked` at `now` (aware; default: the current time)."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= (now or timezone.now()):
            return "expired"
        return "active"


class WebSocketTicket(models.Model):
    """A single-use credential for one socket; the first client to redeem it deletes the row.

    It is deleted with the session, API token or refresh token that it was issued to. The socket
    ends at `login_expires_at`, like one opened with the token itself.
    """

    hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(
        Session,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_column="session_key",
    )
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, null=True, related_name="+")
    refresh = models.ForeignKey(RefreshToken, on_delete=models.CASCADE, null=True, related_name="+")
    login_expires_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("WebSocket ticket")
        verbose_name_plural = _("WebSocket tickets")

    def __str__(self) -> str:
        return f"{self.user} · {self.expires_at:%H:%M:%S}"


class LoginTries(models.Model):
    """Failed sign-in attempts by name and address block (accounts.services.tries, ADR 0022).

    `subject` is the user (`user:<id>`) or a hash of a name that does not exist. `tries` is void
    from `expires_at` on. `signed_in_at` is when the user last signed in from the block.
    """

    subject = models.CharField(max_length=80)
    block = models.CharField(max_length=50)
    tries = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)
    signed_in_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("failed tries to sign in")
        verbose_name_plural = _("failed tries to sign in")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "block"], name="accounts_logintries_once_per_block"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} · {self.block} · {self.tries}"


class AuditEntry(models.Model):
    """An audited action (accounts.audit). Entries are never changed; retention removes old ones.

    An entry outlives the rows that it refers to, so it stores their ids and names instead of
    enforced foreign keys. `actor_id` is None for the system and for anonymous users.
    `target_kind` is the label of the target's model. The admins of `workspace` may read an entry
    unless it is `staff_only`.
    """

    at = models.DateTimeField(_("time"), db_default=Now(), editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("workspace"),
    )
    staff_only = models.BooleanField(_("for site staff only"), default=False, editable=False)
    actor_id = models.BigIntegerField(_("actor ID"), null=True, editable=False)
    actor_name = models.CharField(_("actor"), max_length=150, blank=True, editable=False)
    address = models.GenericIPAddressField(_("address"), null=True, editable=False)
    action = models.CharField(_("action"), max_length=60, editable=False)
    target_kind = models.CharField(_("target kind"), max_length=100, editable=False)
    target_id = models.CharField(_("target ID"), max_length=64, editable=False)
    target_name = models.CharField(_("target"), max_length=200, editable=False)
    details = models.JSONField(_("details"), default=dict, editable=False)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace", "-id"], name="accounts_audit_workspace"),
            models.Index(fields=["target_kind", "target_id"], name="accounts_audit_target"),
            models.Index(fields=["at"], name="accounts_audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.action} · {self.target_name}"
