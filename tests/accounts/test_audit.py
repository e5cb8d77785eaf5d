"""The audit log: its entries, who wrote them, and how long they are kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from accounts import audit, mail, retention, services
from accounts.audit.values import MAX_ITEMS, MAX_TEXT, plain
from accounts.models import AuditEntry, Membership, Role, User, Workspace
from realtime.acting import Actor, acting
from realtime.streams.unit_of_work import unit_of_work
from realtime.workers.retention import Retention
from tests.conftest import Api
from tests.support.people import PASSWORD, make_member, make_user, make_workspace

pytestmark = pytest.mark.django_db
OPEN_PIT = audit.action("open_pit", gettext_lazy("Room deleted"))


def last(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).latest("id")


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


@pytest.fixture
def forgotten(mina: User) -> None:
    """Delete the audit entries that the fixtures caused."""
    AuditEntry.objects.all().delete()


# --- Recording ----------------------------------------------------------------------------------


def test_an_entry_says_who_did_what_to_what_and_when(home: Workspace, mina: User) -> None:
    before = timezone.now() - timedelta(seconds=5)
    with acting(lambda: Actor(mina.pk, "mina", "192.0.2.7")), unit_of_work():
        audit.record(OPEN_PIT, home, workspace_id=home.pk, details={"lap": 7})
    entry = last("open_pit")
    assert (entry.actor_id, entry.actor_name, entry.address) == (mina.pk, "mina", "192.0.2.7")
    assert (entry.target_kind, entry.target_id) == ("accounts.workspace", str(home.pk))
    assert (entry.target_name, entry.workspace, entry.details) == (home.name, home, {"lap": 7})
    assert before < entry.at < timezone.now() + timedelta(seconds=5)


def test_there_is_no_entry_without_its_change(home: Workspace, mina: User) -> None:
    membership = Membership.objects.get(user=mina)

    @unit_of_work
    def change_and_fail() -> None:
        services.change_role(membership_id=membership.pk, role=Role.VIEWER)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert not AuditEntry.objects.filter(action="change_role").exists()


def test_an_entry_of_a_part_that_failed_goes_with_it(home: Workspace) -> None:
    @unit_of_work
    def record_and_fail() -> None:
        audit.record(OPEN_PIT, home, workspace_id=home.pk)
        raise ZeroDivisionError

    with unit_of_work():
        with pytest.raises(ZeroDivisionError):
            record_and_fail()
        audit.record(OPEN_PIT, home, workspace_id=home.pk, details={"kept": True})
    assert [entry.details for entry in AuditEntry.objects.filter(action=OPEN_PIT)] == [
        {"kept": True}
    ]


def test_nothing_is_recorded_outside_a_unit_of_work(home: Workspace) -> None:
    with pytest.raises(RuntimeError, match="unit of work"):
        audit.record(OPEN_PIT, home, workspace_id=home.pk)


def test_an_action_that_nobody_registered_is_refused(home: Workspace) -> None:
    with pytest.raises(ValueError, match="win_race"), unit_of_work():
        audit.record("win_race", home, workspace_id=home.pk)


@pytest.mark.parametrize("code", ["open", "Open_pit", "open pit", "open_pit_2", ""])
def test_a_code_is_a_verb_and_a_noun(code: str) -> None:
    with pytest.raises(ValueError, match="snake_case"):
        audit.action(code, gettext_lazy("Room deleted"))


def test_two_actions_do_not_share_a_code() -> None:
    with pytest.raises(ValueError, match="already"):
        audit.action("change_role", gettext_lazy("Another"))


def test_without_a_door_it_is_the_system_or_who_the_caller_says(mina: User) -> None:
    with unit_of_work():
        audit.record(OPEN_PIT, mina, workspace_id=None)
        audit.record(OPEN_PIT, mina, workspace_id=None, by=mina.pk)
    system, user = AuditEntry.objects.filter(action=OPEN_PIT).order_by("id")
    assert (system.actor_id, system.actor_name) == (None, "")
    assert (user.actor_id, user.actor_name) == (mina.pk, "mina")


def test_who_the_door_let_in_wins_over_who_the_caller_says(mina: User) -> None:
    with acting(lambda: Actor(7, "boss")), unit_of_work():
        audit.record(OPEN_PIT, mina, workspace_id=None, by=mina.pk)
    assert last("open_pit").actor_name == "boss"


def test_an_entry_outlives_all_that_it_tells_of(admin_client: Client) -> None:
    workspace = make_workspace()
    user = make_member(workspace, username="zoe")
    user.delete()
    workspace.delete()
    entry = last("add_member")
    for path in ("", f"{entry.pk}/change/"):
        page = admin_client.get(f"/admin/accounts/auditentry/{path}")
        assert page.status_code == 200
        assert "zoe" in page.content.decode()


def test_the_database_refuses_to_change_an_entry(mina: User) -> None:
    entry = AuditEntry.objects.latest("id")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(actor_name="nobody")
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE accounts_auditentry SET details = '{}'")


# --- Contents of entries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    ["password", "new_password1", "secret", "api_key", "key", "token", "hash", "Authorization"],
)
def test_values_of_secret_fields_are_hidden(field: str) -> None:
    assert plain({field: "s3cret"}) == {field: "••••"}
    assert plain({"config": [{field: {"old": "a", "new": "b"}}]}) == {
        "config": [{field: {"old": "••••", "new": "••••"}}]
    }


def test_what_only_sounds_like_a_secret_is_kept() -> None:
    facts = {"tokens_revoked": 2, "keep": True, "keyboard": "qwerty", "expires_at": None}
    assert plain(facts) == facts


def test_credentials_in_an_address_are_hidden() -> None:
    assert plain("postgres://ops:s3cret@db:5432/pitwall") == "postgres://••••@db:5432/pitwall"


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(json_like)
def test_whatever_is_told_is_json_that_every_database_takes(value: Any) -> None:
    written = json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in written
    written.encode()


def test_long_texts_and_lists_are_cut() -> None:
    assert len(plain("x" * 1000)) == MAX_TEXT
    assert len(plain(list(range(1000)))) == MAX_ITEMS


# --- Callers ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("forgotten")
def test_members_and_their_roles(home: Workspace, mina: User) -> None:
    user = make_user("zoe")
    services.create_token(user_id=mina.pk, workspace_id=home.pk, name="probe")
    membership = services.add_member(workspace_id=home.pk, user_id=user.pk, role=Role.VIEWER)
    services.change_role(membership_id=membership.pk, role=Role.ADMIN)
    services.change_role(membership_id=membership.pk, role=Role.ADMIN)
    services.remove_member(membership_id=membership.pk)
    entries = AuditEntry.objects.filter(target_kind="accounts.membership").order_by("id")
    assert [(e.action, e.target_name, e.workspace_id, e.details["role"]) for e in entries] == [
        ("add_member", "zoe", home.pk, {"old": None, "new": "viewer"}),
        ("change_role", "zoe", home.pk, {"old": "viewer", "new": "admin"}),
        ("remove_member", "zoe", home.pk, {"old": "admin", "new": None}),
    ]


@pytest.mark.usefixtures("forgotten")
def test_workspaces() -> None:
    workspace = services.create_workspace(slug="pit", name="Pit")
    services.rename_workspace(workspace_id=workspace.pk, name="Pit lane")
    services.rename_workspace(workspace_id=workspace.pk, name="Pit lane")
    assert actions() == ["create_workspace", "rename_workspace"]
    assert last("rename_workspace").details == {"name": {"old": "Pit", "new": "Pit lane"}}


@pytest.mark.usefixtures("forgotten")
def test_tokens_without_their_secret(browser: Client, home: Workspace, mina: User) -> None:
    token, secret = services.create_token(user_id=mina.pk, workspace_id=home.pk, name="probe")
    browser.post(f"/accounts/profile/tokens/{token.pk}/revoke/")
    browser.post(f"/accounts/profile/tokens/{token.pk}/revoke/")
    assert [each for each in actions() if each.endswith("_token")] == [
        "create_token",
        "revoke_token",
    ]
    entry = last("revoke_token")
    assert (entry.actor_name, entry.address, entry.workspace) == ("mina", "127.0.0.1", home)
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_program_that_acts_with_its_token_is_its_owner(
    api: Api, home: Workspace, mina: User
) -> None:
    _token, secret = services.create_token(user_id=mina.pk, workspace_id=home.pk, name="bot")
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    room = {"name": "Ops", "slug": "ops"}
    client.post("/api/v1/rooms/", room, content_type="application/json")
    assert client.delete("/api/v1/rooms/ops/").status_code == 204
    entry = last("delete_room")
    assert (entry.actor_name, entry.target_name, entry.workspace) == ("mina", "Ops", home)


@pytest.mark.usefixtures("forgotten")
def test_sessions_that_were_ended(browser: Client, mina: User) -> None:
    for _ in range(3):
        Client().force_login(mina)
    first = mina.sessions.exclude(session_id=browser.session.session_key).first()
    assert first is not None
    browser.post(f"/accounts/profile/sessions/{first.pk}/end/")
    browser.post("/accounts/profile/sessions/end-others/")
    browser.post("/accounts/profile/sessions/end-others/")
    assert actions() == ["end_session", "end_sessions"]
    assert last("end_sessions").details == {"sessions_ended": 2}
    assert last("end_session").actor_name == "mina"


@pytest.mark.usefixtures("forgotten")
def test_passwords_whichever_way_they_are_changed(
    browser: Client, mina: User, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "send_later", lambda message: message.send())
    new = "tyre-wall-kerb-8"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert browser.post("/accounts/password/change/", form).status_code == 302
    guest = Client()
    guest.post("/accounts/password/reset/", {"email": "mina@example.com"})
    link = next(word for word in mailoutbox[0].body.split() if "/reset/" in word)
    page = guest.get(link, follow=True)
    form = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert guest.post(page.redirect_chain[-1][0], form).status_code == 302
    services.change_password(user=mina, password=None)
    entries = AuditEntry.objects.order_by("id")
    assert [(e.action, e.actor_name, e.address) for e in entries] == [
        ("change_password", "mina", "127.0.0.1"),
        ("change_password", "mina", "127.0.0.1"),
        ("change_password", "", None),
    ]
    assert [entry.details["usable"] for entry in entries] == [True, True, False]
    assert new not in str(list(entries.values()))
    assert PASSWORD not in str(list(entries.values()))


@pytest.mark.usefixtures("forgotten")
def test_a_login_that_hashes_the_password_anew_changes_no_password(
    mina: User, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    before = mina.password
    Client().post("/accounts/login/", {"username": "mina", "password": PASSWORD})
    mina.refresh_from_db()
    assert mina.password != before
    assert actions() == []


@pytest.mark.usefixtures("forgotten")
def test_users_made_and_shut_out(mina: User) -> None:
    call_command("createsuperuser", username="root", email="", interactive=False, verbosity=0)
    made = last("create_user")
    assert (made.target_name, made.actor_id, made.details["is_superuser"]["new"]) == (
        "root",
        None,
        True,
    )
    services.deactivate_user(user=mina)
    assert last("deactivate_user").target_name == "mina"


@pytest.mark.usefixtures("forgotten")
def test_the_profile_that_somebody_changes(browser: Client) -> None:
    form = {"first_name": "Mina", "last_name": "", "email": "m@example.com"}
    browser.post("/accounts/profile/", form)
    browser.post("/accounts/profile/", form)
    assert actions() == ["change_user"]
    assert last("change_user").details == {
        "first_name": {"old": "", "new": "Mina"},
        "email": {"old": "mina@example.com", "new": "m@example.com"},
    }


# --- Retention ----------------------------------------------------------------------------------


def test_entries_go_when_their_time_is_over(
    home: Workspace, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUDIT_RETENTION = timedelta(days=30)
    monkeypatch.setattr(retention, "BATCH", 2)
    AuditEntry.objects.all().delete()
    for days in (1, 29, 31, 60, 90):
        AuditEntry.objects.create(
            at=timezone.now() - timedelta(days=days), action=OPEN_PIT, target_id=str(days)
        )
    expiry = retention.AuditExpiry()
    while expiry.remove_some():
        pass
    assert set(AuditEntry.objects.values_list("target_id", flat=True)) == {"1", "29"}
    assert retention.AuditExpiry in [type(each) for each in Retention(lease=None)._all]  # type: ignore[arg-type]
