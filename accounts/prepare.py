"""Creates the first workspace and users of an installation."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts import services
from accounts.folding import fold
from accounts.models import Membership, Role, User, Workspace
from realtime.prepare import register

WORKSPACE_SLUG = "main"
ADMIN = "admin"
DEMO_MEMBERS = ("alice", "bob")
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Account:
    """A user to create; `password` comes from `variable` in the environment or is generated."""

    username: str
    role: str
    variable: str
    password: str | None


@register
def make_first_accounts() -> str:
    """Create the first workspace and its users if they are missing.

    Returns a few lines that say what was created and where the passwords are.

    Raises:
        ImproperlyConfigured: a user has to be created outside the embedded mode and the variable
            with the password is not set; the message names it.
    """
    workspace = _workspace()
    missing = [account for account in _accounts() if not _exists(account.username)]
    made = [(account, _password_for(account)) for account in missing]
    for account, password in made:
        _make(account, password, workspace)
    return "".join(_report(made))


def credentials_file() -> Path:
    """Return the path of the generated passwords (embedded mode), readable by its owner only."""
    return Path(settings.DATA_DIR) / "credentials.txt"


def _workspace() -> Workspace:
    workspace = Workspace.objects.filter(slug=WORKSPACE_SLUG).first()
    return workspace or services.create_workspace(slug=WORKSPACE_SLUG, name="Main")


def _accounts() -> list[Account]:
    environment = settings.ENVIRONMENT
    accounts = [
        Account(ADMIN, Role.OWNER, "PITWALL_ADMIN_PASSWORD", environment.admin_password),
    ]
    if settings.PITWALL_DEMO:
        accounts += [
            Account(name, Role.MEMBER, "PITWALL_DEMO_PASSWORD", environment.demo_password)
            for name in DEMO_MEMBERS
        ]
    return accounts


def _exists(username: str) -> bool:
    return User.objects.filter(folded=fold(username)).exists()


def _password_for(account: Account) -> str:
    if account.password:
        return account.password
    if not settings.EMBEDDED:
        raise ImproperlyConfigured(
            f"{account.variable} is required on the first start: it becomes the password of "
            f"{account.username}."
        )
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def _make(account: Account, password: str, workspace: Workspace) -> None:
    create = (
        User.objects.create_superuser if account.username == ADMIN else User.objects.create_user
    )
    user = create(account.username, password=password)
    if not Membership.objects.filter(user=user, workspace=workspace).exists():
        services.add_member(workspace_id=workspace.pk, user_id=user.pk, role=account.role)


def _report(made: list[tuple[Account, str]]) -> Iterator[str]:
    path = credentials_file()
    made_up = [(account.username, password) for account, password in made if not account.password]
    for account, _password in made:
        if account.password:
            yield f"Made user {account.username} with the password in {account.variable}.\n"
    if made_up:
        lines = [f"  {username:<8}{password}\n" for username, password in made_up]
        _keep(path, lines)
        yield "First users, shown once:\n" + "".join(lines)
        yield f"Also kept in {path}, readable by you alone.\n"
    elif path.exists():
        yield f"Passwords of the first users: {path}\n"


def _keep(path: Path, lines: list[str]) -> None:
    head = "" if path.exists() else "Passwords made on the first start. Change them, delete this.\n"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(head + "".join(lines))
