"""The navigation in its three forms, with the current pages and some planned ones."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.more_pages.navigation import FIRING

from . import servers
from .browser import DESKTOP, LAPTOP, PHONE, accessibility_violations, sign_in, wait_until
from .conftest import OpenPage
from .servers import Server
from .test_notifications import all_read, rest, tell_alice

pytestmark = pytest.mark.e2e

SETTINGS = "/accounts/profile/"
SOON = 10_000
NAV_WIDTH, RAIL_WIDTH = 208, 56
TOUCH_TARGET = 44


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an installation with one more app: alerts with a second level, exchange, jobs."""
    folder = tmp_path_factory.mktemp("more-pages")
    with servers.embedded(folder, settings="tests.support.more_pages.settings") as running:
        yield running


def go(page: Page, server: Server, path: str) -> None:
    page.goto(server.url + path)
    # A button does nothing until its script has run.
    page.wait_for_load_state("load")


def nav(page: Page) -> Locator:
    return page.locator("nav.nav")


def fold(page: Page, of: str) -> Locator:
    return page.get_by_role("button", name=f"Pages of {of}")


def section_tabs(page: Page) -> Locator:
    return page.locator(".sec")


def box(element: Locator) -> dict[str, float]:
    found = element.bounding_box()
    assert found is not None
    return dict(found)


def scripts_off(browser: Browser, page: Page, viewport: dict[str, int]) -> Page:
    """Open the page in the same browser without scripts: it shows the server-rendered HTML."""
    context = browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
    )
    return context.new_page()


# --- Wide and rail, at 1440 -----------------------------------------------------------------


def test_a_fold_is_remembered_and_drawn_by_the_server(
    more: Server, open_page: OpenPage, browser: Browser
) -> None:
    page = open_page(more)
    go(page, more, "/jobs/")
    rules = nav(page).get_by_role("link", name="Rules")
    expect(rules).to_be_hidden()
    fold(page, "Alerts").click()
    expect(rules).to_be_visible()
    expect(fold(page, "Alerts")).to_have_attribute("aria-expanded", "true")
    go(page, more, "/exchange/")
    expect(rules).to_be_visible()
    without_scripts = scripts_off(browser, page, DESKTOP)
    without_scripts.goto(f"{more.url}/exchange/")
    expect(nav(without_scripts).get_by_role("link", name="Rules")).to_be_visible()
    without_scripts.context.close()


def test_a_list_can_be_folded_where_one_is_and_the_others_stay_as_they_were(
    more: Server, open_page: OpenPage
) -> None:
    page = open_page(more)
    go(page, more, SETTINGS)
    fold(page, "Alerts").click()
    fold(page, "Settings").press("Enter")
    expect(fold(page, "Settings")).to_have_attribute("aria-expanded", "false")
    go(page, more, SETTINGS)
    expect(nav(page).get_by_role("link", name="Tokens")).to_be_hidden()
    expect(nav(page).get_by_role("link", name="Rules")).to_be_visible()
    fold(page, "Settings").press("Space")
    expect(nav(page).get_by_role("link", name="Tokens")).to_be_visible()


def test_collapsing_is_remembered_and_nothing_moves_when_a_page_opens(
    more: Server, open_page: OpenPage, browser: Browser
) -> None:
    page = open_page(more)
    go(page, more, SETTINGS)
    assert box(nav(page))["width"] == NAV_WIDTH
    expect(section_tabs(page)).to_be_hidden()
    page.get_by_role("button", name="Collapse navigation").click()
    assert box(nav(page))["width"] == RAIL_WIDTH
    expect(section_tabs(page)).to_be_visible()
    expand = page.get_by_role("button", name="Expand navigation")
    expect(expand).to_be_focused()
    go(page, more, "/jobs/")
    assert box(nav(page))["width"] == RAIL_WIDTH
    without_scripts = scripts_off(browser, page, DESKTOP)
    without_scripts.goto(f"{more.url}/dashboards/")
    assert box(nav(without_scripts))["width"] == RAIL_WIDTH
    without_scripts.context.close()
    expand.press("Enter")
    assert box(nav(page))["width"] == NAV_WIDTH
    go(page, more, "/exchange/")
    assert box(nav(page))["width"] == NAV_WIDTH


def test_a_page_with_columns_keeps_a_choice_of_its_own(more: Server, open_page: OpenPage) -> None:
    page = open_page(more)
    go(page, more, "/chat/")
    assert box(nav(page))["width"] == RAIL_WIDTH
    page.get_by_role("button", name="Expand navigation").click()
    go(page, more, "/jobs/")
    page.get_by_role("button", name="Collapse navigation").click()
    go(page, more, "/inbox/")
    assert box(nav(page))["width"] == NAV_WIDTH
    go(page, more, "/jobs/")
    assert box(nav(page))["width"] == RAIL_WIDTH


def test_tab_goes_through_the_navigation_as_it_is_seen(more: Server, open_page: OpenPage) -> None:
    page = open_page(more)
    all_read(more)
    go(page, more, "/accounts/profile/security/")
    expect(nav(page).locator("[data-badge=notifications]")).to_be_hidden()
    order = []
    for _ in range(16):
        page.keyboard.press("Tab")
        focused = "document.activeElement.ariaLabel ?? document.activeElement.innerText"
        order.append(page.evaluate(focused).split("\n")[0].strip())
    assert order == [
        "Skip to content", "Pitwall", "Dashboards", "Alerts", "Pages of Alerts", "Exchange",
        "Chat", "Inbox", "Jobs", "Settings", "Pages of Settings", "Profile", "Security",
        "Tokens", "Collapse navigation", "Switch theme",
    ]  # fmt: skip


def test_an_open_list_tells_the_number_in_place_of_the_page_above_it(
    more: Server, open_page: OpenPage
) -> None:
    page = open_page(more)
    go(page, more, "/jobs/")
    above = nav(page).get_by_role("link", name=re.compile("^Alerts"))
    expect(above).to_have_accessible_name(f"Alerts {FIRING} firing")
    fold(page, "Alerts").click()
    expect(above).to_have_accessible_name("Alerts")
    active = nav(page).get_by_role("link", name=re.compile("^Active"))
    expect(active).to_have_accessible_name(f"Active {FIRING} firing")


# --- The rail, at 1024 ----------------------------------------------------------------------


def test_on_a_laptop_the_navigation_is_a_rail_with_tabs_beside_the_title(
    more: Server, open_page: OpenPage
) -> None:
    page = open_page(more, viewport=LAPTOP)
    go(page, more, "/alerts/rules/7/")
    assert box(nav(page))["width"] == RAIL_WIDTH
    expect(page.locator(".nav-fold:visible, .nav-collapse:visible, .crumb:visible")).to_have_count(
        0
    )
    tabs = section_tabs(page)
    expect(tabs).to_have_accessible_name("Alerts")
    expect(tabs.locator("[aria-current=page]")).to_have_text("Rules")
    title, row = box(page.locator("h1")), box(tabs)
    assert row["x"] >= title["x"] + title["width"]
    assert row["y"] == 0
    assert row["height"] == 48
    # The names are visually hidden, but still name the links.
    expect(nav(page).get_by_role("link", name="Exchange")).to_be_visible()
    tabs.get_by_role("link", name="History").click()
    page.wait_for_url("**/alerts/history/")


def test_a_large_number_stays_within_the_rail(more: Server, open_page: OpenPage) -> None:
    page = open_page(more, viewport=LAPTOP)
    go(page, more, "/jobs/")
    badge = nav(page).locator("[data-badge=alerts]").first
    badge.evaluate("badge => { badge.textContent = '99+' }")
    number, item = box(badge), box(badge.locator("xpath=.."))
    assert number["x"] + number["width"] <= RAIL_WIDTH
    # At least the left half of the icon is visible.
    assert number["x"] >= item["x"] + item["width"] / 2


# --- The phone, at 390 with touch -----------------------------------------------------------


def phone(server: Server, open_page: OpenPage) -> Page:
    return open_page(server, viewport=PHONE, touch=True)


def as_admin(server: Server, open_page: OpenPage, viewport: dict[str, int]) -> Page:
    """Sign in as the admin, who sees every page."""
    page = open_page(server, user=None, viewport=viewport, touch=True)
    sign_in(page, server, "admin", servers.ADMIN_PASSWORD)
    return page


def swipe(page: Page, over: Locator, by: int) -> None:
    """Swipe over an element; a negative distance moves the content to the left."""
    place, touched = box(over), page.context.new_cdp_session(page)
    y = place["y"] + place["height"] / 2
    begin = place["x"] + place["width"] / 2 - by / 2
    for step in range(11):
        kind = "touchMove" if step else "touchStart"
        point = {"x": begin + by * step / 10, "y": y}
        touched.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touched.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def within(page: Page, element: Locator) -> bool:
    place = box(element)
    return place["x"] >= 0 and place["x"] + place["width"] <= PHONE["width"]


def test_on_a_phone_the_section_tabs_are_a_line_that_scrolls_by_touch(
    more: Server, open_page: OpenPage
) -> None:
    page = as_admin(more, open_page, PHONE)
    expect(nav(page)).to_be_hidden()
    go(page, more, "/alerts/")
    tabs = section_tabs(page)
    row, title = box(tabs), box(page.locator("h1"))
    assert row["height"] == TOUCH_TARGET
    assert row["y"] >= title["y"] + title["height"]
    assert (row["x"], row["width"]) == (0, PHONE["width"])
    for tab in tabs.get_by_role("link").all():
        assert box(tab)["height"] == TOUCH_TARGET
    last = tabs.get_by_role("link").last
    assert not within(page, last)
    swipe(page, tabs, -300)
    wait_until(page, lambda: within(page, last), within=5, what="the last tab in sight")
    expect(page.locator("h1")).to_be_in_viewport()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0


def test_on_a_phone_the_current_tab_is_in_sight(more: Server, open_page: OpenPage) -> None:
    page = as_admin(more, open_page, PHONE)
    go(page, more, "/alerts/silences/")
    current = section_tabs(page).locator("[aria-current=page]")
    # The last of six: without scripts it would be off the right edge of the screen.
    expect(current).to_have_text("Silences")
    expect(current).to_be_in_viewport(ratio=1)


def test_on_a_phone_four_pages_are_tabs_and_the_rest_is_under_more(
    more: Server, open_page: OpenPage
) -> None:
    page = phone(more, open_page)
    go(page, more, "/exchange/")
    bar = page.locator(".tabbar")
    expect(bar.locator(".label")).to_have_text(["Dashboards", "Alerts", "Exchange", "Chat", "More"])
    expect(bar.locator("[aria-current]")).to_have_text("Exchange")
    for tab in bar.locator(":scope > *").all():
        assert box(tab)["height"] >= TOUCH_TARGET
    bar.get_by_role("button", name="More").tap()
    sheet = page.locator("#more-menu")
    expect(sheet.get_by_role("link")).to_have_count(3)
    for row in sheet.locator("a, button").all():
        assert box(row)["height"] >= TOUCH_TARGET
    sheet.get_by_role("link", name="Jobs").tap()
    page.wait_for_url("**/jobs/")
    expect(bar.locator("[aria-current]")).to_have_text("More")
    bar.get_by_role("button", name="More").tap()
    expect(sheet.locator("[aria-current=page]")).to_have_text("Jobs")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(bar.get_by_role("button", name="More")).to_be_focused()


def test_with_the_pages_of_today_the_inbox_is_a_tab(server: Server, open_page: OpenPage) -> None:
    page = phone(server, open_page)
    bar = page.locator(".tabbar")
    expect(bar.locator(".label")).to_have_text(["Dashboards", "Chat", "Inbox", "More"])
    bar.get_by_role("button", name="More").tap()
    page.locator("#more-menu").get_by_role("link", name="Settings").tap()
    page.wait_for_url("**/accounts/profile/")
    section_tabs(page).get_by_role("link", name="Security").tap()
    page.wait_for_url("**/accounts/profile/security/")
    expect(page.get_by_role("link", name="Change password")).to_be_visible()


# --- Changing numbers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("viewport", "places"),
    [(DESKTOP, "#bell, .nav"), (LAPTOP, "#bell, .nav"), (PHONE, "#bell, #more-menu")],
    ids=["desktop", "laptop", "phone"],
)
def test_the_number_beside_the_inbox_moves_wherever_it_stands(
    more: Server, open_page: OpenPage, viewport: dict[str, int], places: str
) -> None:
    all_read(more)
    page = open_page(more, viewport=viewport)
    go(page, more, "/jobs/")
    if viewport is PHONE:
        page.get_by_role("button", name="More").click()
    badges = page.locator(places).locator("[data-badge=notifications]")
    expect(badges).to_have_count(2)
    told = [tell_alice(more, "Box, box"), tell_alice(more, "Box this lap")]
    for badge in badges.all():
        expect(badge).to_have_text("2", timeout=SOON)
        expect(badge).to_be_visible()
    rest(more, "alice", f"notifications/{told[0]}/read/")
    for badge in badges.all():
        expect(badge).to_have_text("1", timeout=SOON)
    all_read(more)
    for badge in badges.all():
        expect(badge).to_be_hidden(timeout=SOON)


def test_a_number_is_there_before_any_script_has_run(
    more: Server, open_page: OpenPage, browser: Browser
) -> None:
    all_read(more)
    page = open_page(more)
    tell_alice(more, "Box, box")
    without_scripts = scripts_off(browser, page, DESKTOP)
    without_scripts.goto(f"{more.url}/jobs/")
    inbox = nav(without_scripts).get_by_role("link", name=re.compile("^Inbox"))
    expect(inbox).to_have_accessible_name("Inbox 1 unread")
    without_scripts.context.close()


# --- What matters on this page --------------------------------------------------------------


def test_the_status_strip_says_what_matters_on_the_page(
    server: Server, open_page: OpenPage
) -> None:
    all_read(server)
    page = open_page(server)
    summary = page.locator("#page-summary")
    count = len(rest(server, "alice", "metrics/", method="GET"))
    expect(summary).to_contain_text(f"{count} metrics", timeout=SOON)
    go(page, server, "/inbox/")
    expect(summary).to_have_text("0 unread", timeout=SOON)
    tell_alice(server, "Box, box")
    expect(summary).to_have_text("1 unread", timeout=SOON)
    go(page, server, "/chat/general/")
    members = rest(server, "alice", "rooms/general/", method="GET")["member_count"]
    expect(summary).to_have_text(f"1 of {members} members connected", timeout=SOON)
    other = open_page(server, user="bob")
    go(other, server, "/chat/general/")
    expect(summary).to_have_text(f"2 of {members} members connected", timeout=SOON)
    go(page, server, "/accounts/profile/security/")
    expect(summary).to_have_text(re.compile(r"\d+ devices? signed in"))


# --- For all users --------------------------------------------------------------------------


@pytest.mark.parametrize("viewport", [DESKTOP, LAPTOP, PHONE], ids=["desktop", "laptop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_navigation_breaks_no_serious_accessibility_rule(
    more: Server, open_page: OpenPage, theme: str, viewport: dict[str, int]
) -> None:
    tell_alice(more, "Box, box")
    page = open_page(more, viewport=viewport, theme=theme, touch=viewport is PHONE)
    for path in ("/alerts/", "/jobs/", "/accounts/profile/security/", "/accounts/profile/tokens/"):
        go(page, more, path)
        assert accessibility_violations(page) == [], path
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0, path
    if viewport is PHONE:
        page.get_by_role("button", name="More").tap()
        assert accessibility_violations(page) == []
    if viewport is DESKTOP:
        page.get_by_role("button", name="Collapse navigation").click()
        assert accessibility_violations(page) == []


def test_the_navigation_speaks_chinese_too(server: Server, open_page: OpenPage) -> None:
    page = open_page(server)
    page.get_by_role("button", name="Language").click()
    page.locator("button[lang='zh-hans']").click()
    go(page, server, "/accounts/profile/tokens/")
    labels = nav(page).locator(".nav-item .label")
    expect(labels).to_have_text(["仪表盘", "聊天", "收件箱", "设置", "个人资料", "安全", "令牌"])
    expect(page.locator("h1")).to_have_text("设置 / 令牌")
    expect(page).to_have_title("令牌 · 设置 · Pitwall")
