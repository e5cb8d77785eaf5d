"""Data that the shell's pages have when they start."""

from typing import Any

from django.test import Client, RequestFactory

from accounts.models import Role, User
from accounts.shell.context_processors import shell
from tests.support.people import join, make_user, make_workspace


def request(user: User, query: str = "", **cookies: str):
    made = RequestFactory().get(f"/{query}")
    made.user = user
    made.COOKIES.update(cookies)
    return made


def boot_of(made: object) -> dict[str, Any]:
    return shell(made)["boot"]()


def test_boot_tells_who_where_and_what_is_allowed(mina: User) -> None:
    boot = boot_of(request(mina))
    assert boot["user"] == {"id": mina.pk, "username": "mina", "is_staff": False}
    assert boot["workspace"] == {
        "slug": "home",
        "name": "Team home",
        "role": "admin",
        "role_name": "Admin",
    }
    assert boot["workspaces"] == [boot["workspace"]]
    assert boot["permissions"] == [
        "create_rooms",
        "manage_members",
        "manage_metrics",
        "manage_rooms",
        "post_messages",
        "push_messages",
        "push_samples",
        "send_notifications",
        "view_audit",
        "view_dashboards",
    ]
    assert boot["language"] == "en"
    assert boot["version"]


def test_the_query_string_picks_among_ones_own_workspaces(mina: User) -> None:
    join(mina, make_workspace("away"), Role.VIEWER)
    make_workspace("other")
    assert boot_of(request(mina, "?workspace=away"))["permissions"] == ["view_dashboards"]
    assert boot_of(request(mina, "?workspace=other"))["workspace"]["slug"] == "home"


def test_who_is_in_no_workspace_may_do_nothing(db: None) -> None:
    boot = boot_of(request(make_user()))
    assert (boot["workspace"], boot["permissions"]) == (None, [])


def test_only_known_themes_reach_the_page(mina: User) -> None:
    assert shell(request(mina, theme="dark"))["theme"] == "dark"
    assert shell(request(mina, theme='"><script>'))["theme"] == ""


def test_boot_is_worked_out_once_a_page_and_only_where_it_is_used(
    mina: User, django_assert_num_queries
) -> None:
    context = shell(request(mina))
    with django_assert_num_queries(1):
        assert context["boot"]() is context["boot"]()


def test_error_pages_are_in_the_look(browser: Client) -> None:
    response = browser.get("/no-such-page/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_the_page_after_a_bug_is_in_the_look(browser: Client, monkeypatch) -> None:
    browser.raise_request_exception = False
    monkeypatch.setattr("accounts.selectors.memberships_of", lambda user: 1 / 0)
    response = browser.get("/accounts/profile/")
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert "ZeroDivisionError" not in response.content.decode()
