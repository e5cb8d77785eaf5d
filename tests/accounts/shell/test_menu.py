"""The navigation in server-rendered pages, for different users."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role, User, Workspace
from accounts.shell import Badge, Count, Tone, pages
from notifications.services import notify
from realtime.auth import Principal
from tests.support.more_pages import navigation as more
from tests.support.people import join, make_member, make_user, make_workspace

pytestmark = pytest.mark.django_db

SETTINGS = "/accounts/profile/"


@pytest.fixture
def more_pages(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register alerts, exchange and jobs."""
    monkeypatch.setattr(pages, "_pages", dict(pages._pages))
    settings.ROOT_URLCONF = "tests.support.more_pages.urls"
    engine = settings.TEMPLATES[0]
    templates = Path(more.__file__).parent / "templates"
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], templates]}]
    more.register_all()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html(client: Client, path: str = SETTINGS, language: str = "en") -> str:
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == 200
    return response.content.decode()


def part(text: str, begins: str, ends: str = "</nav>") -> str:
    """Return the page from one piece of text to another."""
    found = re.search(f"{re.escape(begins)}.*?{re.escape(ends)}", text, re.DOTALL)
    assert found, begins
    return found[0]


def labels(text: str) -> list[str]:
    """Return the texts of the links, without numbers."""
    links = re.findall(r"<a [^>]*href=[^>]*>(.*?)</a>", text, re.DOTALL)
    bare = [re.sub(r'<span class="(count|vh)[^>]*>.*?</span>', "", link) for link in links]
    return [re.sub(r"<[^>]*>", "", link).strip() for link in bare]


def beside(text: str) -> list[str]:
    return labels(part(text, '<nav class="nav"'))


def at_the_bottom(text: str) -> list[str]:
    return labels(part(text, '<nav class="tabbar"'))


def under_more(text: str) -> list[str]:
    return labels(part(text, 'id="more-menu"', "<form"))


def in_tabs(text: str) -> list[str]:
    return labels(part(text, '<nav class="tabs sec"')) if 'class="tabs sec"' in text else []


def current_in(text: str, begins: str) -> list[tuple[str, str]]:
    """Return (address, value of aria-current) of the links that have the attribute."""
    found = re.findall(r'href="([^"]*)"[^>]*aria-current="(\w+)"', part(text, begins))
    return [(url, value) for url, value in found]


def badge(text: str, key: str) -> list[tuple[str, str, bool]]:
    """Return (classes, text, hidden) of each badge with that key."""
    pattern = rf'<span class="(count[^"]*)" data-badge="{key}"[^>]*?( hidden)?>([^<]*)</span>'
    return [
        (classes, number, bool(hidden)) for classes, hidden, number in re.findall(pattern, text)
    ]


# --- Visibility by role ---------------------------------------------------------------------


def test_a_member_sees_the_pages_that_exist_in_order(home: Workspace) -> None:
    text = html(signed_in(make_member(home)))
    assert beside(text) == [
        "Pitwall", "Dashboards", "Chat", "Inbox", "Settings", "Profile", "Security", "Tokens",
    ]  # fmt: skip


def test_only_staff_see_the_admin(home: Workspace, mina: User) -> None:
    assert "Admin" not in beside(html(signed_in(mina)))
    operator = make_member(home, Role.VIEWER, is_staff=True)
    assert beside(html(signed_in(operator)))[4:6] == ["Admin", "Settings"]


def test_whoever_is_in_no_workspace_sees_only_what_is_theirs_alone() -> None:
    text = html(signed_in(make_user()))
    assert beside(text) == ["Pitwall", "Settings", "Profile", "Security", "Tokens"]
    assert 'href="/chat/"' not in text


def test_whoever_is_not_signed_in_sees_no_navigation() -> None:
    text = html(Client(), "/accounts/login/")
    assert 'class="nav' not in text
    assert 'class="tabbar"' not in text


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.VIEWER, ["Active", "History", "Rules", "Silences"]),
        (Role.MEMBER, ["Active", "History", "Rules", "Silences"]),
        (Role.ADMIN, ["Active", "History", "Rules", "Sources", "Who is told", "Silences"]),
        (Role.OWNER, ["Active", "History", "Rules", "Sources", "Who is told", "Silences"]),
    ],
)
def test_the_second_level_is_what_ones_role_allows(
    more_pages: None, home: Workspace, role: Role, expected: list[str]
) -> None:
    assert in_tabs(html(signed_in(make_member(home, role)), "/alerts/")) == expected


def test_the_role_that_counts_is_that_of_the_workspace_on_the_page(
    more_pages: None, mina: User
) -> None:
    join(mina, make_workspace("away"), Role.VIEWER)
    client = signed_in(mina)
    assert "Sources" in in_tabs(html(client, "/alerts/?workspace=home"))
    assert "Sources" not in in_tabs(html(client, "/alerts/?workspace=away"))


def test_the_pages_to_come_stand_where_the_design_puts_them(more_pages: None, mina: User) -> None:
    text = html(signed_in(mina), "/jobs/")
    order = ["Dashboards", "Alerts", "Exchange", "Chat", "Inbox", "Jobs", "Settings"]
    assert [label for label in beside(text) if label in order] == order
    assert at_the_bottom(text) == ["Dashboards", "Alerts", "Exchange", "Chat"]
    assert under_more(text) == ["Inbox", "Jobs", "Settings"]


def test_what_fits_at_the_bottom_of_a_phone_is_there_and_the_rest_under_more(mina: User) -> None:
    text = html(signed_in(mina))
    assert at_the_bottom(text) == ["Dashboards", "Chat", "Inbox"]
    assert under_more(text) == ["Settings"]


def test_a_second_level_of_one_page_is_none(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_pages", dict(pages._pages))
    for name in ("security", "tokens"):
        del pages._pages[name]
    text = html(signed_in(make_member(home)))
    assert in_tabs(text) == []
    assert current_in(text, '<nav class="nav"') == [(SETTINGS, "page")]


# --- Current page ---------------------------------------------------------------------------


def test_the_current_page_is_marked_in_every_form(mina: User) -> None:
    text = html(signed_in(mina), "/chat/general/")
    assert current_in(text, '<nav class="nav"') == [("/chat/", "page")]
    assert current_in(text, '<nav class="tabbar"') == [("/chat/", "page")]


def test_the_page_above_the_current_one_is_marked_too(mina: User) -> None:
    text = html(signed_in(mina), "/accounts/profile/tokens/")
    expected = [(SETTINGS, "true"), ("/accounts/profile/tokens/", "page")]
    assert current_in(text, '<nav class="nav"') == expected
    assert current_in(text, '<nav class="tabs sec"') == expected[1:]
    assert re.search(r'popovertarget="more-menu" aria-current="true"', text)
    assert "<title>Tokens · Settings · Pitwall</title>" in text


def test_a_page_that_lies_elsewhere_can_count_as_one_of_the_second_level(mina: User) -> None:
    text = html(signed_in(mina), "/accounts/password/change/")
    assert current_in(text, '<nav class="tabs sec"') == [("/accounts/profile/security/", "page")]


def test_what_is_below_a_page_counts_as_that_page(more_pages: None, mina: User) -> None:
    text = html(signed_in(mina), "/alerts/rules/7/")
    assert current_in(text, '<nav class="tabs sec"') == [("/alerts/rules/", "page")]
    text = html(signed_in(mina), "/alerts/")
    assert current_in(text, '<nav class="tabs sec"') == [("/alerts/", "page")]


def test_links_keep_the_workspace_where_there_are_several(mina: User) -> None:
    join(mina, make_workspace("away"), Role.VIEWER)
    mina.is_staff = True
    mina.save()
    text = html(signed_in(mina), f"{SETTINGS}?workspace=away")
    for address in ("/dashboards/", "/chat/", "/inbox/", SETTINGS, "/accounts/profile/tokens/"):
        assert f'href="{address}?workspace=away"' in text
        assert f'href="{address}"' not in text
    assert 'href="/admin/"' in text


# --- Badges ---------------------------------------------------------------------------------


def tell(user: User, workspace: Workspace, number: int) -> None:
    for each in range(number):
        notify(
            workspace_id=workspace.pk,
            user_ids=[user.pk],
            kind="announcement",
            title=f"Box {each}",
        )


def test_the_inbox_and_the_bell_have_their_number_from_the_start(
    mina: User, home: Workspace
) -> None:
    client = signed_in(mina)
    assert set(badge(html(client), "notifications")) == {("count is-hot", "0", True)}
    tell(mina, home, 2)
    found = badge(html(client), "notifications")
    assert found == [("count is-hot", "2", False)] * 3, "list, bell, tabs"
    assert '<span class="vh"> 条未读</span>' in html(client, language="zh-CN")


def test_more_than_99_are_99_and_more(mina: User, home: Workspace) -> None:
    tell(mina, home, 100)
    assert badge(html(signed_in(mina)), "notifications")[0][1] == "99+"


def test_the_number_is_that_of_the_workspace_on_the_page(mina: User, home: Workspace) -> None:
    join(mina, make_workspace("away"), Role.VIEWER)
    tell(mina, home, 2)
    text = html(signed_in(mina), f"{SETTINGS}?workspace=away")
    assert badge(text, "notifications")[0] == ("count is-hot", "0", True)


def test_a_number_is_counted_once_however_often_it_stands_on_the_page(
    more_pages: None, mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def firing(principal: Principal) -> Count:
        asked.append(principal)
        return Count(3, Tone.CRITICAL)

    for name in ("alerts", "alerts-active"):
        again = replace(pages._pages[name], badge=Badge("alerts", "firing", firing))
        monkeypatch.setitem(pages._pages, name, again)
    text = html(signed_in(mina), "/alerts/")
    assert badge(text, "alerts") == [("count is-crit", "3", False)] * 4
    assert len(asked) == 1


# --- Remembered state -----------------------------------------------------------------------


def shell_class(text: str) -> str:
    found = re.search(r'<div class="(shell[^"]*)"', text)
    assert found
    return found[1]


def with_cookie(user: User, name: str, value: str) -> Client:
    client = signed_in(user)
    client.cookies[name] = value
    return client


def test_pages_with_columns_begin_as_a_rail_and_others_wide(mina: User) -> None:
    client = signed_in(mina)
    assert shell_class(html(client, "/dashboards/")) == "shell"
    assert shell_class(html(client, "/chat/")) == "shell is-rail"
    assert shell_class(html(client, "/inbox/")) == "shell is-rail"


def test_a_page_of_the_second_level_may_have_columns_alone(more_pages: None, mina: User) -> None:
    client = signed_in(mina)
    assert shell_class(html(client, "/alerts/rules/")) == "shell"
    assert shell_class(html(client, "/alerts/history/")) == "shell is-rail"


def test_the_server_draws_the_width_that_was_chosen(mina: User) -> None:
    client = with_cookie(mina, "nav", "rail")
    assert shell_class(html(client, "/dashboards/")) == "shell is-rail"
    client = with_cookie(mina, "nav_beside_columns", "wide")
    assert shell_class(html(client, "/chat/")) == "shell"
    assert shell_class(html(client, "/dashboards/")) == "shell"


def fold_of(text: str) -> tuple[str, bool]:
    """Return aria-expanded of the settings' fold button, and whether the list is visible."""
    button = re.search(r'data-nav-fold="settings" aria-expanded="(\w+)"', text)
    sub = re.search(r'id="nav-settings"( hidden)?>', text)
    assert button
    assert sub
    return button[1], sub[1] is None


def test_a_second_level_is_open_where_one_is_and_folded_elsewhere(mina: User) -> None:
    client = signed_in(mina)
    assert fold_of(html(client)) == ("true", True)
    assert fold_of(html(client, "/inbox/")) == ("false", False)


def test_the_server_draws_the_folds_that_were_chosen(mina: User) -> None:
    assert fold_of(html(with_cookie(mina, "nav_folds", "settings:folded"))) == ("false", False)
    client = with_cookie(mina, "nav_folds", "alerts:folded.settings:open")
    assert fold_of(html(client, "/inbox/")) == ("true", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nav_folds", '"><script>'),
        ("nav_folds", "settings:ajar.:..settings"),
        ("nav_folds", "settings:open" * 500),
        ("nav", '"><script>'),
    ],
)
def test_a_cookie_of_nonsense_changes_nothing(mina: User, name: str, value: str) -> None:
    text = html(with_cookie(mina, name, value), "/dashboards/")
    assert shell_class(text) == "shell"
    assert fold_of(text) == ("false", False)
    assert '"><script>' not in part(text, '<nav class="nav"')


# --- For scripts ----------------------------------------------------------------------------


def test_scripts_get_the_pages_that_their_user_sees_once(more_pages: None, home: Workspace) -> None:
    text = html(signed_in(make_member(home)), "/alerts/")
    found = re.findall(r'<script id="boot" type="application/json">(.*?)</script>', text)
    assert len(found) == 1
    links = json.loads(found[0])["pages"]
    assert [link["name"] for link in links] == [
        "dashboards", "alerts", "alerts-active", "history", "rules", "silences", "exchange",
        "chat", "inbox", "jobs", "settings", "profile", "security", "tokens",
    ]  # fmt: skip
    assert links[1] == {
        "name": "alerts",
        "label": "Alerts",
        "url": "/alerts/",
        "icon": "siren",
        "parent": None,
        "badge": "alerts",
    }
    assert links[3]["parent"] == "alerts"
