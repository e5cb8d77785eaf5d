"""Queries for memberships, sessions, tokens, active users and the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.folding import fold
from accounts.models import ApiToken, AuditEntry, Membership, RefreshToken, User, UserSession
from accounts.policy import Action, require
from realtime.auth import Principal
from realtime.errors import NotFound

ACTIVE_WITHIN = timedelta(minutes=5)


def principal_of(
    user: User,
    workspace_slug: str | None = None,
    *,
    session_key: str | None = None,
    token: ApiToken | None = None,
    refresh: RefreshToken | None = None,
    expires_at: datetime | None = None,
) -> Principal:
    """Return the user as a member of the requested workspace, or of their default one.

    An API token is valid only in its own workspace. `expires_at` is when the given token expires.
    A superuser needs a membership like any other user.

    Raises:
        NotFound: there is no such workspace, or the user is no member; both look the same.
    """
    memberships = Membership.objects.filter(user=user).select_related("workspace")
    if token is not None:
        memberships = memberships.filter(workspace_id=token.workspace_id)
    if workspace_slug:
        if "\0" in workspace_slug:
            raise NotFound(_("There is no such workspace."))
        memberships = memberships.filter(workspace__slug=workspace_slug)
    membership = memberships.order_by("-is_default", "pk").first()
    if membership is None:
        raise NotFound(_("There is no such workspace."))
    principal = principal_in(membership, session_key, token.pk if token else None, user=user)
    return replace(
        principal,
        refresh_id=refresh.pk if refresh else None,
        expires_at=expires_at.timestamp() if expires_at else None,
    )


def principal_in(
    membership: Membership,
    session_key: str | None = None,
    token_id: int | None = None,
    user: User | None = None,
) -> Principal:
    """Return the principal of a membership; `user` saves a query if it is already loaded."""
    user = user or membership.user
    return Principal(
        user_id=user.pk,
        username=user.username,
        is_staff=user.is_staff,
        workspace_id=membership.workspace_id,
        workspace=membership.workspace.slug,
        role=membership.role,
        session_key=session_key,
        token_id=token_id,
    )


def user_of_name(name: str) -> User | None:
    """Return the user with this username, else with this email address; active or not."""
    name = name.strip()
    if not name or "\0" in name:
        return None
    folded = fold(name)
    found = User.objects.filter(Q(folded=folded) | Q(folded_email=folded))
    return max(found, key=lambda user: user.folded == folded, default=None)


def memberships_of(user: User) -> QuerySet[Membership]:
    """Return the user's memberships with their workspaces, the default one first."""
    return (
        Membership.objects.filter(user=user)
        .select_related("workspace")
        .order_by("-is_default", "workspace__name")
    )


def people_of(workspace_id: int) -> QuerySet[User]:
    """Return the active users of a workspace, by username."""
    return User.objects.filter(memberships__workspace_id=workspace_id, is_active=True).order_by(
        "username"
    )


def live_sessions_of(user: User) -> QuerySet[UserSession]:
    """Return the user's live sessions, last used first."""
    return UserSession.objects.filter(user=user, session__expire_date__gt=timezone.now()).order_by(
        "-last_seen_at"
    )


def refresh_tokens_of(user: User) -> QuerySet[RefreshToken]:
    """Return the user's valid refresh tokens, last used first."""
    return RefreshToken.objects.filter(user=user, expires_at__gt=timezone.now())


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Return the user's API tokens that are not revoked, newest first."""
    return ApiToken.objects.filter(user=user, revoked_at=None).select_related("workspace")


def active_user_count(workspace_id: int, now: datetime | None = None) -> int:
    """Count members with a request or an open socket in the five minutes before `now` (aware)."""
    since = (now or timezone.now()) - ACTIVE_WITHIN
    return Membership.objects.filter(
        workspace_id=workspace_id, user__is_active=True, user__last_seen_at__gt=since
    ).count()


def audit_entries(
    principal: Principal,
    *,
    action: str | None = None,
    actor_id: int | None = None,
    target_kind: str | None = None,
    target_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Return the audit entries of the principal's workspace, newest first, by the given filters.

    Args:
        since: include entries from this time (aware) on; `until`: only earlier ones.

    Raises:
        PermissionDenied: the principal's role does not allow reading the audit log.
    """
    require(principal, Action.VIEW_AUDIT)
    wanted = {
        "action": action,
        "actor_id": actor_id,
        "target_kind": target_kind,
        "target_id": target_id,
        "at__gte": since,
        "at__lt": until,
    }
    narrowed = {lookup: value for lookup, value in wanted.items() if value is not None}
    entries = AuditEntry.objects.filter(workspace_id=principal.workspace_id, staff_only=False)
    return entries.filter(**narrowed).order_by("-id")
