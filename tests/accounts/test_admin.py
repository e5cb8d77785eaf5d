"""The admin of accounts: its changes go through the services."""

import pytest
from django.test import Client

from accounts import services
from accounts.models import ApiToken, Membership, Role, User, UserSession, Workspace
from tests.support.people import join, make_member, make_user

ADMIN = "/admin/accounts"
NEW = "tyre-wall-kerb-8"


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    return client


def edit_user(boss: Client, user: User, **changes: str):
    form = {"username": user.username, "email": user.email, "is_active": "on", **changes}
    joined = user.date_joined
    form |= {"date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}
    return boss.post(
        f"{ADMIN}/user/{user.pk}/change/", {key: value for key, value in form.items() if value}
    )


def inline(workspace: Workspace, *rows: tuple[Membership | None, User, str, bool]):
    """Return the form data of a workspace with its members: (membership, user, role, delete)."""
    prefix = "memberships"
    initial = [row for row in rows if row[0]]
    form = {
        "name": workspace.name,
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": len(initial),
    }
    for number, (membership, user, role, delete) in enumerate(rows):
        form |= {
            f"{prefix}-{number}-id": membership.pk if membership else "",
            f"{prefix}-{number}-workspace": workspace.pk,
            f"{prefix}-{number}-user": user.pk,
            f"{prefix}-{number}-role": role,
        }
        if delete:
            form[f"{prefix}-{number}-DELETE"] = "on"
    return form


def save_workspace(boss: Client, workspace: Workspace, *rows):
    return boss.post(f"{ADMIN}/workspace/{workspace.pk}/change/", inline(workspace, *rows))


@pytest.mark.parametrize("model", ["user", "workspace", "apitoken", "usersession"])
def test_every_list_and_form_opens(boss: Client, mina: User, home: Workspace, model: str) -> None:
    Client().force_login(mina)
    services.create_token(user_id=mina.pk, workspace_id=home.pk, name="t")
    assert boss.get(f"{ADMIN}/{model}/").status_code == 200
    pks = {
        "user": mina.pk,
        "workspace": home.pk,
        "apitoken": ApiToken.objects.get().pk,
        "usersession": UserSession.objects.filter(user=mina).get().pk,
    }
    page = boss.get(f"{ADMIN}/{model}/{pks[model]}/change/")
    assert page.status_code == 200
    assert ApiToken.objects.get().hash not in page.content.decode()


def test_a_member_has_no_business_in_the_admin(browser: Client) -> None:
    assert browser.get(f"{ADMIN}/user/").status_code == 302
    assert "not authorized" in browser.get("/admin/", follow=True).content.decode()


def test_a_user_can_be_made_and_signs_in(boss: Client) -> None:
    form = {"username": "kim", "usable_password": "true", "password1": NEW, "password2": NEW}
    assert boss.post(f"{ADMIN}/user/add/", form).status_code == 302
    client = Client()
    client.post("/accounts/login/", {"username": "kim", "password": NEW})
    assert client.get("/accounts/profile/").status_code == 200


def test_unticking_active_shuts_a_user_out(boss: Client, mina: User, revoked) -> None:
    phone = Client()
    phone.force_login(mina)
    assert edit_user(boss, mina, is_active="").status_code == 302
    assert not UserSession.objects.filter(user=mina).exists()
    assert {"user_id": mina.pk} in revoked
    assert phone.get("/accounts/profile/").status_code == 302


def test_another_email_address_closes_nothing(boss: Client, mina: User, revoked) -> None:
    assert edit_user(boss, mina, email="m@example.com").status_code == 302
    mina.refresh_from_db()
    assert mina.email == "m@example.com"
    assert revoked == []


def test_the_sockets_of_new_staff_reconnect(boss: Client, mina: User, reauthorized) -> None:
    edit_user(boss, mina, is_staff="on")
    assert reauthorized == [{"user_id": mina.pk}]


def test_a_password_set_by_an_administrator_ends_the_users_logins(
    boss: Client, mina: User, revoked
) -> None:
    phone = Client()
    phone.force_login(mina)
    form = {"usable_password": "true", "password1": NEW, "password2": NEW, "set-password": "1"}
    boss.post(f"{ADMIN}/user/{mina.pk}/password/", form)
    mina.refresh_from_db()
    assert mina.check_password(NEW)
    assert {"user_id": mina.pk} in revoked
    assert not UserSession.objects.filter(user=mina).exists()


def test_ones_own_password_is_changed_on_the_page_for_it(boss: Client) -> None:
    assert boss.get("/admin/password_change/")["Location"] == "/accounts/password/change/"


def test_a_lockout_can_be_lifted(boss: Client, mina: User) -> None:
    client = Client()
    for _ in range(5):
        client.post("/accounts/login/", {"username": "mina", "password": "wrong"})
    boss.post(f"{ADMIN}/user/", {"action": "clear_failed_logins", "_selected_action": [mina.pk]})
    page = client.post("/accounts/login/", {"username": "mina", "password": "wrong"})
    assert "4 tries left" in page.content.decode()


def test_members_come_change_and_go(boss: Client, reauthorized) -> None:
    workspace = Workspace.objects.create(slug="pit", name="Pit")
    old, kept, new = make_member(workspace, Role.OWNER), make_member(workspace), make_user()
    first, second = (Membership.objects.get(user=user) for user in (old, kept))
    response = save_workspace(
        boss,
        workspace,
        (first, old, Role.MEMBER, True),
        (second, kept, Role.OWNER, False),
        (None, new, Role.VIEWER, False),
    )
    assert response.status_code == 302
    roles = dict(workspace.memberships.values_list("user__username", "role"))
    assert roles == {kept.username: "owner", new.username: "viewer"}
    assert Membership.objects.get(user=new).is_default
    assert {"user_id": old.pk, "workspace_id": workspace.pk} in reauthorized


def test_ownership_can_be_handed_over_in_one_go(boss: Client) -> None:
    workspace = Workspace.objects.create(slug="pit", name="Pit")
    old, new = make_member(workspace, Role.OWNER), make_member(workspace)
    first, second = (Membership.objects.get(user=user) for user in (old, new))
    rows = ((first, old, Role.VIEWER, False), (second, new, Role.OWNER, False))
    assert save_workspace(boss, workspace, *rows).status_code == 302
    roles = dict(workspace.memberships.values_list("user__username", "role"))
    assert roles == {old.username: "viewer", new.username: "owner"}


def test_the_last_owner_stays_and_the_form_says_why(boss: Client, home: Workspace) -> None:
    owner = make_member(home, Role.OWNER)
    membership = Membership.objects.get(user=owner)
    for row in ((membership, owner, Role.OWNER, True), (membership, owner, Role.ADMIN, False)):
        response = save_workspace(boss, home, row)
        assert "keeps at least one owner" in response.content.decode()
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_a_membership_stays_with_its_user(boss: Client, home: Workspace, mina: User) -> None:
    membership = Membership.objects.get(user=mina)
    save_workspace(boss, home, (membership, make_user("zoe"), Role.VIEWER, False))
    membership.refresh_from_db()
    assert (membership.user, membership.role) == (mina, Role.VIEWER)


def test_a_workspace_is_made_and_renamed_and_keeps_its_slug(boss: Client) -> None:
    form = inline(Workspace(name="Garage")) | {"slug": "garage"}
    boss.post(f"{ADMIN}/workspace/add/", form)
    workspace = Workspace.objects.get(slug="garage")
    workspace.name = "Garage 2"
    boss.post(f"{ADMIN}/workspace/{workspace.pk}/change/", inline(workspace) | {"slug": "hacked"})
    workspace.refresh_from_db()
    assert (workspace.slug, workspace.name) == ("garage", "Garage 2")


def test_a_token_can_be_revoked_and_not_made_or_edited(boss: Client, mina, home, revoked) -> None:
    token, _secret = services.create_token(user_id=mina.pk, workspace_id=home.pk, name="t")
    assert boss.get(f"{ADMIN}/apitoken/add/").status_code == 403
    boss.post(f"{ADMIN}/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.state() == "revoked"
    assert revoked == [{"token_id": token.pk}]


def test_a_session_can_be_ended(boss: Client, mina: User, revoked) -> None:
    phone = Client()
    phone.force_login(mina)
    session = mina.sessions.get()
    boss.post(f"{ADMIN}/usersession/", {"action": "end", "_selected_action": [session.pk]})
    assert phone.get("/accounts/profile/").status_code == 302
    assert revoked == [{"session_key": session.session_key}]


def test_nobody_is_deleted(boss: Client, mina: User, home: Workspace) -> None:
    assert boss.post(f"{ADMIN}/user/{mina.pk}/delete/", {"post": "yes"}).status_code == 403
    assert boss.post(f"{ADMIN}/workspace/{home.pk}/delete/", {"post": "yes"}).status_code == 403


def test_users_can_be_narrowed_to_a_workspace(boss: Client, mina: User, home: Workspace) -> None:
    join(make_user("zoe"), Workspace.objects.create(slug="pit", name="Pit"))
    page = boss.get(f"{ADMIN}/user/?memberships__workspace__id__exact={home.pk}").content.decode()
    assert "mina" in page
    assert "zoe" not in page
