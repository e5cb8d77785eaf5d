"""The admin site records every change in the audit log, once and without secrets."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts import services
from accounts.admin_site import AuditedAdmin
from accounts.models import AuditEntry, Membership, Role, User, Workspace
from dashboard.models import Metric
from tests.accounts.test_admin import NEW, edit_user, save_workspace
from tests.support.people import make_member, make_user, make_workspace

pytestmark = pytest.mark.django_db
LOG = "/admin/accounts/auditentry/"


@pytest.fixture
def boss(mina: User) -> Client:
    client = Client()
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    AuditEntry.objects.all().delete()
    return client


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.order_by("id"))


def only() -> AuditEntry:
    return AuditEntry.objects.get()


def metric_form(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    form = {
        "workspace": workspace.pk, "name": "tyre_wear", "title": "Tyre wear", "group": "custom",
        "unit": "%", "decimals": 1, "raw_hours": 24, "rollup_days": 30,
    }  # fmt: skip
    return form | changes


def test_every_model_in_the_admin_is_covered() -> None:
    assert all(isinstance(each, AuditedAdmin) for each in admin.site._registry.values())


def test_what_is_added_changed_and_deleted(boss: Client, home: Workspace) -> None:
    boss.post("/admin/dashboard/metric/add/", metric_form(home))
    metric = Metric.objects.get(name="tyre_wear")
    path = f"/admin/dashboard/metric/{metric.pk}"
    boss.post(f"{path}/change/", metric_form(home, title="Wear of tyres", raw_hours=48))
    boss.post(f"{path}/change/", metric_form(home, title="Wear of tyres", raw_hours=48))
    boss.post(f"{path}/delete/", {"post": "yes"})
    added, changed, deleted = entries()
    assert [each.action for each in (added, changed, deleted)] == [
        "add_object",
        "change_object",
        "delete_object",
    ]
    assert added.details["workspace"] == {"old": None, "new": str(home)}
    assert added.details["raw_hours"]["new"] == 24
    assert changed.details == {
        "title": {"old": "Tyre wear", "new": "Wear of tyres"},
        "raw_hours": {"old": 24, "new": 48},
    }
    for entry in (added, changed, deleted):
        assert (entry.actor_name, entry.address, entry.workspace) == ("boss", "127.0.0.1", home)
        assert (entry.target_kind, entry.target_id) == ("dashboard.metric", str(metric.pk))
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == {str(metric.pk)}


def test_what_is_deleted_from_a_list(boss: Client, home: Workspace) -> None:
    made = [Metric.objects.create(workspace=home, name=f"metric_{number}") for number in range(2)]
    form = {
        "action": "delete_selected",
        "_selected_action": [metric.pk for metric in made],
        "post": "yes",
    }
    boss.post("/admin/dashboard/metric/", form)
    assert not Metric.objects.exists()
    assert {(each.action, each.target_id) for each in entries()} == {
        ("delete_object", str(metric.pk)) for metric in made
    }


def test_a_change_that_fails_is_not_on_record(
    boss: Client, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LogEntry.objects, "log_actions", fail)
    boss.raise_request_exception = False
    assert boss.post("/admin/dashboard/metric/add/", metric_form(home)).status_code == 500
    assert not Metric.objects.exists()
    assert entries() == []


def test_models_of_other_packages_and_their_lists(boss: Client) -> None:
    codes = ("change_user", "view_user")
    first, second = Permission.objects.filter(codename__in=codes).order_by("pk")
    group = Group.objects.create(name="Marshals")
    group.permissions.add(first)
    form = {"name": "Marshals", "permissions": [first.pk, second.pk]}
    boss.post(f"/admin/auth/group/{group.pk}/change/", form)
    assert only().details == {
        "permissions": {"old": [str(first)], "new": sorted([str(first), str(second)])}
    }


def test_only_permissions_that_something_asks_for_are_offered(boss: Client) -> None:
    page = boss.get("/admin/auth/group/add/").content.decode()
    offered = re.search(r'<select name="permissions".*?</select>', page, re.DOTALL)
    assert offered is not None
    assert "Users: change" in offered[0]
    assert "Log entries" not in offered[0]
    assert "ticket" not in offered[0].lower()


def test_a_service_that_records_is_not_repeated(boss: Client, home: Workspace, mina: User) -> None:
    membership = Membership.objects.get(user=mina)
    owner = make_member(home, Role.OWNER)
    AuditEntry.objects.all().delete()
    home.name = "Home straight"
    save_workspace(
        boss,
        home,
        (membership, mina, Role.VIEWER, False),
        (Membership.objects.get(user=owner), owner, Role.OWNER, False),
        (None, make_user("zoe"), Role.MEMBER, False),
    )
    made = [each for each in entries() if each.action != "create_user"]
    assert [(each.action, each.target_name) for each in made] == [
        ("rename_workspace", "Home straight"),
        ("add_member", "zoe"),
        ("change_role", "mina"),
    ]
    assert {each.actor_name for each in made} == {"boss"}


def test_what_a_service_leaves_out_is_still_on_record(boss: Client, mina: User) -> None:
    group = Group.objects.create(name="Marshals")
    edit_user(boss, mina, email="m@example.com", groups=str(group.pk), is_active="")
    assert [(each.action, sorted(each.details)) for each in entries()] == [
        ("change_user", ["email"]),
        ("deactivate_user", ["is_active"]),
        ("change_object", ["groups"]),
    ]


def test_a_user_that_is_made_and_given_a_password(boss: Client) -> None:
    form = {"username": "kim", "usable_password": "true", "password1": NEW, "password2": NEW}
    boss.post("/admin/accounts/user/add/", form)
    kim = User.objects.get(username="kim")
    boss.post(f"/admin/accounts/user/{kim.pk}/password/", form | {"set-password": "1"})
    assert [(each.action, each.target_name) for each in entries()] == [
        ("create_user", "kim"),
        ("change_password", "kim"),
    ]
    assert NEW not in str([each.details for each in entries()])


def test_actions_on_lists(boss: Client, mina: User, home: Workspace) -> None:
    Client().force_login(mina)
    session = mina.sessions.get()
    token, _secret = services.create_token(user_id=mina.pk, workspace_id=home.pk, name="t")
    AuditEntry.objects.all().delete()

    def act(model: str, action: str, pk: int) -> None:
        boss.post(f"/admin/accounts/{model}/", {"action": action, "_selected_action": [pk]})

    act("apitoken", "revoke", token.pk)
    act("usersession", "end", session.pk)
    act("user", "clear_failed_logins", mina.pk)
    act("user", "deactivate", mina.pk)
    assert [(each.action, each.actor_name) for each in entries()] == [
        ("revoke_token", "boss"),
        ("end_session", "boss"),
        ("clear_lockout", "boss"),
        ("deactivate_user", "boss"),
    ]


def test_an_announcement(boss: Client, home: Workspace) -> None:
    form = {"workspace": home.pk, "message": "Rain at 15:00", "severity": "info", "keep": "on"}
    boss.post("/admin/notifications/announcement/add/", form)
    entry = only()
    assert (entry.action, entry.target_name, entry.workspace) == (
        "send_announcement",
        "Rain at 15:00",
        home,
    )


def test_names_are_kept_in_the_installations_language(boss: Client, mina: User) -> None:
    path = f"/admin/accounts/user/{mina.pk}/delete/"
    boss.post(path, {"post": "yes"}, headers={"Accept-Language": "zh-CN"})
    group = {"name": "Marshals"}
    boss.post("/admin/auth/group/add/", group, headers={"Accept-Language": "zh-CN"})
    assert only().target_name == "Marshals"


# --- Reading ------------------------------------------------------------------------------------


def test_the_log_is_read_searched_and_narrowed(boss: Client, home: Workspace, mina: User) -> None:
    services.deactivate_user(user=mina)
    services.create_workspace(slug="pit", name="Pit lane")
    entry = AuditEntry.objects.get(action="deactivate_user")

    def targets(question: str) -> list[str]:
        page = boss.get(f"{LOG}?{question}").content.decode()
        return re.findall(r'<td class="field-target_name">([^<]*)', page)

    assert targets("") == ["Pit lane", "mina"]
    assert targets("q=mina") == targets("action=deactivate_user") == ["mina"]
    assert "is_active" in boss.get(f"{LOG}{entry.pk}/change/").content.decode()


def test_nobody_writes_in_the_log(boss: Client) -> None:
    services.create_workspace(slug="pit", name="Pit")
    entry = only()
    assert boss.get(f"{LOG}add/").status_code == 403
    assert boss.post(f"{LOG}{entry.pk}/change/", {"actor_name": "x"}).status_code == 403
    assert boss.post(f"{LOG}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    boss.post(LOG, form)
    assert entries() == [entry]


def test_in_chinese_the_actions_have_chinese_names(boss: Client) -> None:
    make_workspace()
    services.create_workspace(slug="pit", name="Pit")
    page = boss.get(LOG, headers={"Accept-Language": "zh-CN"}).content.decode()
    assert "创建了工作区" in page
