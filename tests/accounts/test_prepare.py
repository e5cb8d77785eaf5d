"""The first start and later ones."""

import io
import stat
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from accounts.models import Membership, User, Workspace
from accounts.prepare import credentials_file, make_first_accounts
from realtime import prepare as preparing
from realtime.registries import Registry, qualified_name

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(settings, tmp_path, monkeypatch) -> None:
    """Set up a new installation: embedded, with demo users, without given passwords."""
    settings.DATA_DIR, settings.EMBEDDED, settings.PITWALL_DEMO = tmp_path, True, True
    give(settings)
    steps = Registry("step", name_of=qualified_name)
    steps.register(make_first_accounts)
    monkeypatch.setattr(preparing, "registry", steps)


def give(settings, admin: str | None = None, demo: str | None = None) -> None:
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, admin_password=admin, demo_password=demo)


def run() -> str:
    output = io.StringIO()
    preparing.prepare(output)
    return output.getvalue()


def passwords(text: str) -> dict[str, str]:
    lines = [tuple(line.split()) for line in text.splitlines() if line.startswith("  ")]
    return dict(lines)


def test_the_first_start_makes_the_workspace_and_its_people() -> None:
    run()
    workspace = Workspace.objects.get()
    assert workspace.slug == "main"
    roles = dict(Membership.objects.values_list("user__username", "role"))
    assert roles == {"admin": "owner", "alice": "member", "bob": "member"}
    assert User.objects.get(is_superuser=True).username == "admin"


def test_made_up_passwords_are_shown_and_kept_for_the_owner_of_the_file_alone() -> None:
    shown = passwords(run())
    assert set(shown) == {"admin", "alice", "bob"}
    assert len(set(shown.values())) == 3
    for username, password in shown.items():
        assert User.objects.get(username=username).check_password(password)
    path = credentials_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert passwords(path.read_text()) == shown


def test_a_second_start_changes_nothing_and_says_where_the_passwords_are() -> None:
    kept = passwords(run())
    before = list(User.objects.values())
    output = run()
    assert str(credentials_file()) in output
    assert not any(password in output for password in kept.values())
    assert list(User.objects.values()) == before
    assert passwords(credentials_file().read_text()) == kept


def test_given_passwords_are_used_and_neither_shown_nor_kept(settings) -> None:
    give(settings, admin="from-the-environment", demo="demo-environment")
    output = run()
    assert "from-the-environment" not in output
    assert "PITWALL_ADMIN_PASSWORD" in output
    assert User.objects.get(username="admin").check_password("from-the-environment")
    assert User.objects.get(username="bob").check_password("demo-environment")
    assert not credentials_file().exists()


def test_without_demo_there_is_the_admin_alone(settings) -> None:
    settings.PITWALL_DEMO = False
    run()
    assert [user.username for user in User.objects.all()] == ["admin"]


def test_a_changed_password_survives_the_next_start(settings) -> None:
    run()
    admin = User.objects.get(username="admin")
    admin.set_password("my-own-password-1")
    admin.save()
    give(settings, admin="another-one")
    run()
    admin.refresh_from_db()
    assert admin.check_password("my-own-password-1")


def test_production_asks_for_the_password_by_name(settings) -> None:
    settings.EMBEDDED = False
    with pytest.raises(ImproperlyConfigured, match="PITWALL_ADMIN_PASSWORD"):
        run()
    assert not User.objects.exists()
    assert not credentials_file().exists()
    with pytest.raises(CommandError, match="PITWALL_ADMIN_PASSWORD"):
        call_command("prepare")


def test_production_does_not_ask_again_once_the_admin_exists(settings) -> None:
    settings.EMBEDDED, settings.PITWALL_DEMO = False, False
    give(settings, admin="from-the-environment")
    run()
    give(settings)
    assert run() == ""


def test_what_apps_registered_runs_each_time(settings) -> None:
    calls: list[int] = []

    def count_workspaces() -> str:
        calls.append(Workspace.objects.count())
        return "Counted.\n"

    preparing.registry.register(count_workspaces)
    assert run().endswith("Counted.\n")
    run()
    assert calls == [1, 1]
