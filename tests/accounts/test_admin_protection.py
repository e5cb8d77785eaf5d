"""Staff with permissions in the admin do not become more than they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts import services
from accounts.login import jwt
from accounts.models import (
    ApiToken,
    LoginTries,
    Membership,
    RefreshToken,
    Role,
    User,
    UserSession,
    Workspace,
)
from tests.accounts.test_admin import edit_user, save_workspace
from tests.support.people import PASSWORD, join, make_user

ADMIN = "/admin/accounts"
NEW = "tyre-wall-kerb-8"


def permit(user: User, *codes: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codes))


@pytest.fixture
def helper(db: None) -> User:
    """Staff who may do everything in the admin of accounts that permissions can give."""
    helper = make_user("helper", is_staff=True)
    permit(
        helper,
        *(f"{verb}_user" for verb in ("add", "change", "view")),
        *(f"{verb}_membership" for verb in ("add", "change", "delete", "view")),
        *(f"{verb}_group" for verb in ("add", "change", "delete", "view")),
        "change_workspace", "change_usersession", "view_usersession", "change_apitoken",
        "view_apitoken", "change_refreshtoken", "view_refreshtoken",
    )  # fmt: skip
    return helper


@pytest.fixture
def staff(helper: User) -> Client:
    client = Client()
    client.force_login(helper)
    return client


@pytest.fixture
def boss(home: Workspace) -> User:
    boss = make_user("boss", is_staff=True, is_superuser=True, email="boss@example.com")
    join(boss, home, Role.OWNER)
    return boss


@pytest.fixture
def auditor(helper: User) -> User:
    """Staff with a permission that the helper lacks."""
    auditor = make_user("auditor", is_staff=True, email="auditor@example.com")
    permit(auditor, "view_auditentry")
    return auditor


def set_password(client: Client, user: User) -> int:
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    return client.post(f"{ADMIN}/user/{user.pk}/password/", form).status_code


def act(client: Client, model: str, action: str, *pks: int):
    form = {"action": action, "_selected_action": [str(pk) for pk in pks]}
    return client.post(f"{ADMIN}/{model}/", form, follow=True)


@pytest.mark.parametrize("name", ["boss", "auditor", "helper"])
def test_their_password_mail_and_flags_stay(
    staff: Client, helper: User, boss: User, auditor: User, name: str
) -> None:
    user = User.objects.get(username=name)
    password, email = user.password, user.email
    assert set_password(staff, user) == 403
    answer = edit_user(staff, user, email="thief@example.com", is_superuser="on")
    assert answer.status_code == 403
    user.refresh_from_db()
    assert (user.password, user.email) == (password, email)
    assert user.is_superuser == (name == "boss")


def test_an_ordinary_user_can_be_helped(staff: Client, mina: User) -> None:
    assert set_password(staff, mina) == 302
    mina.refresh_from_db()
    assert mina.check_password(NEW)
    assert edit_user(staff, mina, email="m@example.com").status_code == 302
    mina.refresh_from_db()
    assert mina.email == "m@example.com"


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_nobody_is_made_more_than_they_are(staff: Client, mina: User, flag: str) -> None:
    edit_user(staff, mina, **{flag: "on"})
    mina.refresh_from_db()
    assert not getattr(mina, flag)


def test_permissions_and_groups_are_for_superusers_to_give(
    staff: Client, helper: User, mina: User
) -> None:
    group = Group.objects.create(name="crew")
    permission = Permission.objects.get(codename="view_auditentry")
    edit_user(staff, mina, groups=str(group.pk), user_permissions=str(permission.pk))
    assert not mina.groups.exists()
    assert not mina.user_permissions.exists()
    helper.groups.add(group)
    form = {"name": "crew", "permissions": [permission.pk]}
    assert staff.post(f"/admin/auth/group/{group.pk}/change/", form).status_code == 403
    assert staff.post("/admin/auth/group/add/", form).status_code == 403
    assert not group.permissions.exists()


def test_a_new_user_is_an_ordinary_one(staff: Client) -> None:
    form = {"username": "puppet", "password1": NEW, "password2": NEW, "usable_password": "true"}
    form |= {"is_staff": "on", "is_superuser": "on"}
    staff.post(f"{ADMIN}/user/add/", form)
    puppet = User.objects.get(username="puppet")
    assert (puppet.is_staff, puppet.is_superuser) == (False, False)


def test_superusers_are_not_deactivated(staff: Client, boss: User, mina: User) -> None:
    answer = act(staff, "user", "deactivate", boss.pk, mina.pk)
    boss.refresh_from_db()
    mina.refresh_from_db()
    assert (boss.is_active, mina.is_active) == (True, False)
    assert "1 left out" in answer.content.decode()


def test_their_lockout_is_not_lifted(staff: Client, boss: User) -> None:
    for _ in range(5):
        Client().post("/accounts/login/", {"username": "boss", "password": "wrong"})
    act(staff, "user", "clear_failed_logins", boss.pk)
    assert LoginTries.objects.filter(tries=5).exists()
    login = {"username": "boss", "password": PASSWORD}
    assert Client().post("/accounts/login/", login).status_code == 429


def _session(user: User) -> tuple[str, str, int]:
    Client().force_login(user)
    return "usersession", "end", UserSession.objects.get(user=user).pk


def _api_token(user: User) -> tuple[str, str, int]:
    workspace = user.workspaces.get()
    token, _secret = services.create_token(user_id=user.pk, workspace_id=workspace.pk, name="t")
    return "apitoken", "revoke", token.pk


def _program(user: User) -> tuple[str, str, int]:
    jwt.issue(user)
    return "refreshtoken", "end", RefreshToken.objects.get(user=user).pk


def alive(user: User) -> int:
    return (
        UserSession.objects.filter(user=user).count()
        + ApiToken.objects.filter(user=user, revoked_at=None).count()
        + RefreshToken.objects.filter(user=user).count()
    )


@pytest.mark.parametrize("begin", [_session, _api_token, _program])
def test_their_logins_do_not_end(
    staff: Client, boss: User, mina: User, begin: Callable[[User], tuple[str, str, int]]
) -> None:
    model, action, theirs = begin(boss)
    _model, _action, ordinary = begin(mina)
    act(staff, model, action, theirs, ordinary)
    assert (alive(boss), alive(mina)) == (1, 0)


def test_memberships_of_superusers_and_of_oneself_stay(
    staff: Client, helper: User, boss: User, mina: User, home: Workspace
) -> None:
    owner = Membership.objects.get(user=boss)
    member = Membership.objects.get(user=mina)
    kept = (member, mina, Role.OWNER, False)
    save_workspace(staff, home, (owner, boss, Role.VIEWER, False), kept)
    save_workspace(staff, home, (owner, boss, Role.OWNER, True), kept)
    save_workspace(staff, home, (owner, boss, Role.OWNER, False), (None, helper, Role.OWNER, False))
    assert Membership.objects.get(user=boss).role == Role.OWNER
    assert not Membership.objects.filter(user=helper).exists()
    both = (owner, boss, Role.OWNER, False), kept
    save_workspace(staff, home, *both)
    assert Membership.objects.get(user=mina).role == Role.OWNER
