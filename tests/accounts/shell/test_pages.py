"""The page registry: what an app may declare, and which errors prevent Pitwall from starting."""

from dataclasses import replace

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from accounts.shell import MenuPart, Page, pages

REPORTS = Page("reports", "Reports", "dashboard:page", icon="gauge", order=70)


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a copy of the registry, so that other tests keep the apps' pages."""
    monkeypatch.setattr(pages, "_pages", dict(pages._pages))


def names(found: list[Page]) -> list[str]:
    return [page.name for page in found]


def refused(page: Page) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        pages.register(page)
    return str(caught.value)


def test_the_apps_pages_stand_in_the_order_of_the_design() -> None:
    assert names(pages.first_level(MenuPart.MAIN)) == ["dashboards", "chat", "inbox"]
    assert names(pages.first_level(MenuPart.FOOT)) == ["admin", "settings"]
    assert names(pages.below("settings")) == ["profile", "security", "tokens"]


def test_a_page_takes_its_place_by_its_order_whenever_it_is_registered() -> None:
    pages.register(REPORTS, replace(REPORTS, name="alerts", order=20))
    expected = ["dashboards", "alerts", "chat", "inbox", "reports"]
    assert names(pages.first_level(MenuPart.MAIN)) == expected


def test_another_app_can_put_a_page_below_one_that_is_there() -> None:
    pages.register(replace(REPORTS, name="appearance", icon="", parent="settings", order=30))
    assert names(pages.below("settings")) == ["profile", "appearance", "security", "tokens"]


def test_two_pages_of_one_name_stop_the_start_and_both_are_named() -> None:
    problem = refused(replace(REPORTS, name="chat"))
    assert "'chat' (dashboard:page)" in problem
    assert "taken by the page of chat:page" in problem


def test_an_icon_that_is_not_in_the_sprite_stops_the_start() -> None:
    problem = refused(replace(REPORTS, icon="gauche"))
    assert "'reports'" in problem
    assert "no icon 'gauche' in static/icons.svg" in problem
    assert "frontend/tools/build-icons.mjs" in problem


def test_an_unknown_icon_on_the_second_level_stops_the_start_too() -> None:
    assert "no icon 'x-ray'" in refused(replace(REPORTS, icon="x-ray", parent="settings"))


def test_a_page_of_the_first_level_needs_an_icon() -> None:
    assert "needs an icon" in refused(replace(REPORTS, icon=""))


def test_a_page_below_one_that_is_not_there_stops_the_start() -> None:
    assert "no page 'alerts' is registered" in refused(replace(REPORTS, parent="alerts"))


def test_there_is_no_third_level() -> None:
    assert "there are two levels" in refused(replace(REPORTS, parent="profile"))


@pytest.mark.parametrize("name", ["", "Two Words", "a.b", "a:b", "1st", "über"])
def test_a_name_that_no_cookie_could_hold_is_refused(name: str) -> None:
    assert "lower-case letters" in refused(replace(REPORTS, name=name))


def test_a_refused_page_is_not_registered() -> None:
    refused(replace(REPORTS, icon="gauche"))
    assert "reports" not in names(pages.first_level(MenuPart.MAIN))


def test_a_page_that_leads_nowhere_is_an_error_of_the_system_check() -> None:
    pages.register(replace(REPORTS, url_name="reports:page"))
    pages.register(replace(REPORTS, name="rooms", covers=("chat:room",)))
    found = [error.msg for error in run_checks() if error.id == "accounts.E001"]
    assert found == [
        "Page 'reports': there is no URL named 'reports:page' without arguments.",
        "Page 'rooms': there is no URL named 'chat:room' without arguments.",
    ]


def test_the_pages_of_the_apps_all_lead_somewhere() -> None:
    assert [error for error in run_checks() if error.id == "accounts.E001"] == []
