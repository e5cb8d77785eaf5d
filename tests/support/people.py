"""Users and workspaces for tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from accounts import services
from accounts.models import Membership, Role, User, Workspace

PASSWORD = "paddock-gate-7"
_numbers = count(1)


def make_workspace(slug: str | None = None, **fields: Any) -> Workspace:
    number = next(_numbers)
    slug = slug or f"team-{number}"
    return Workspace.objects.create(slug=slug, name=fields.get("name", f"Team {slug}"))


def make_user(username: str | None = None, **fields: Any) -> User:
    """Create a user with the password PASSWORD, in no workspace."""
    return User.objects.create_user(
        username or f"user{next(_numbers)}", password=fields.pop("password", PASSWORD), **fields
    )


def make_member(
    workspace: Workspace | None = None,
    role: str = Role.MEMBER,
    username: str | None = None,
    **fields: Any,
) -> User:
    """Create a user in `workspace` (in a new one by default)."""
    user = make_user(username, **fields)
    join(user, workspace or make_workspace(), role)
    return user


def join(user: User, workspace: Workspace, role: str = Role.MEMBER) -> Membership:
    return services.add_member(workspace_id=workspace.pk, user_id=user.pk, role=role)
