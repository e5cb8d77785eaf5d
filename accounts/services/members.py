"""Workspaces and their members."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import ApiToken, Membership, Role, User, WebSocketTicket, Workspace
from realtime import auth
from realtime.errors import Conflict, NotFound
from realtime.streams.unit_of_work import unit_of_work

CREATE_WORKSPACE = audit.action("create_workspace", gettext_lazy("Workspace created"))
RENAME_WORKSPACE = audit.action("rename_workspace", gettext_lazy("Workspace renamed"))
ADD_MEMBER = audit.action("add_member", gettext_lazy("Member added"))
CHANGE_ROLE = audit.action("change_role", gettext_lazy("Role changed"))
REMOVE_MEMBER = audit.action("remove_member", gettext_lazy("Member removed"))


@unit_of_work
def create_workspace(*, slug: str, name: str, owner: User | None = None) -> Workspace:
    """Create a workspace, with its first owner if one is given.

    Raises:
        Conflict: the slug is taken.
    """
    try:
        with transaction.atomic():
            workspace = Workspace.objects.create(slug=slug, name=name)
    except IntegrityError as error:
        raise Conflict(_("A workspace with that slug exists already.")) from error
    details = audit.changes({}, {"slug": slug, "name": name})
    audit.record(CREATE_WORKSPACE, workspace, workspace_id=workspace.pk, details=details)
    if owner is not None:
        add_member(workspace_id=workspace.pk, user_id=owner.pk, role=Role.OWNER)
    return workspace


@unit_of_work
def rename_workspace(*, workspace_id: int, name: str) -> None:
    """Rename a workspace; its slug, which programs use, does not change.

    Raises:
        NotFound: there is no such workspace.
    """
    workspace = Workspace.objects.select_for_update().filter(pk=workspace_id).first()
    if workspace is None:
        raise NotFound(_("There is no such workspace."))
    if workspace.name == name:
        return
    details = audit.changes({"name": workspace.name}, {"name": name})
    workspace.name = name
    workspace.save(update_fields=["name"])
    audit.record(RENAME_WORKSPACE, workspace, workspace_id=workspace.pk, details=details)


@unit_of_work
def add_member(*, workspace_id: int, user_id: int, role: str = Role.MEMBER) -> Membership:
    """Add a user to a workspace; a user's first workspace becomes their default.

    Raises:
        Conflict: they are a member already.
    """
    has_default = Membership.objects.filter(user_id=user_id, is_default=True).exists()
    try:
        with transaction.atomic():
            membership = Membership.objects.create(
                workspace_id=workspace_id, user_id=user_id, role=role, is_default=not has_default
            )
    except IntegrityError as error:
        raise Conflict(_("This user is a member of the workspace already.")) from error
    _record(ADD_MEMBER, membership, {"role": audit.Change(old=None, new=role)})
    return membership


@unit_of_work
def change_role(*, membership_id: int, role: str) -> Membership:
    """Change a member's role; their sockets in the workspace reconnect with the new role.

    Raises:
        Conflict: the workspace would have no owner.
        NotFound: there is no such membership.
    """
    membership = _locked(membership_id)
    if membership.role == role:
        return membership
    if membership.role == Role.OWNER:
        _require_another_owner(membership)
    change = audit.Change(old=membership.role, new=role)
    membership.role = role
    membership.save(update_fields=["role"])
    _record(CHANGE_ROLE, membership, {"role": change})
    auth.reauthorize(user_id=membership.user_id, workspace_id=membership.workspace_id)
    return membership


@unit_of_work
def remove_member(*, membership_id: int) -> None:
    """Remove a user from a workspace, with their tokens and sockets there.

    Raises:
        Conflict: they are its last owner.
        NotFound: there is no such membership.
    """
    membership = _locked(membership_id)
    if membership.role == Role.OWNER:
        _require_another_owner(membership)
    user_id, workspace_id = membership.user_id, membership.workspace_id
    tokens = ApiToken.objects.filter(user_id=user_id, workspace_id=workspace_id, revoked_at=None)
    revoked = tokens.update(revoked_at=timezone.now())
    change = audit.Change(old=membership.role, new=None)
    _record(REMOVE_MEMBER, membership, {"role": change, "tokens_revoked": revoked})
    membership.delete()
    WebSocketTicket.objects.filter(user_id=user_id, workspace_id=workspace_id).delete()
    if membership.is_default:
        _promote_a_default(user_id)
    auth.reauthorize(user_id=user_id, workspace_id=workspace_id)


@unit_of_work
def make_default(*, membership_id: int) -> None:
    """Make this membership's workspace the default of its user.

    Raises:
        NotFound: there is no such membership.
    """
    membership = _locked(membership_id)
    Membership.objects.filter(user_id=membership.user_id, is_default=True).update(is_default=False)
    Membership.objects.filter(pk=membership.pk).update(is_default=True)


def _record(action: str, membership: Membership, details: dict[str, Any]) -> None:
    """Record a change of a membership in the audit log, with the user's name as target."""
    target = audit.Target.of(membership, membership.user.username)
    audit.record(action, target, workspace_id=membership.workspace_id, details=details)


def _locked(membership_id: int) -> Membership:
    """Return the membership with its workspace's row locked, so that owners are counted safely."""
    membership = Membership.objects.filter(pk=membership_id).first()
    if membership is None:
        raise NotFound(_("There is no such member."))
    Workspace.objects.select_for_update().get(pk=membership.workspace_id)
    # Read again: the role may have changed while we waited for the lock.
    current = Membership.objects.filter(pk=membership_id).first()
    if current is None:
        raise NotFound(_("There is no such member."))
    return current


def _require_another_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        workspace_id=membership.workspace_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    if not others.exists():
        raise Conflict(_("A workspace keeps at least one owner: make somebody else owner first."))


def _promote_a_default(user_id: int) -> None:
    heir = Membership.objects.filter(user_id=user_id).order_by("pk").first()
    if heir is not None:
        Membership.objects.filter(pk=heir.pk).update(is_default=True)
