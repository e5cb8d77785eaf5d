"""The bell and the inbox, for a user with two browsers."""

import json
import re
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.sockets import SocketClient

from . import servers
from .browser import (
    DESKTOP,
    PATIENCE,
    PHONE,
    Complaints,
    Frames,
    accessibility_violations,
    sign_in,
    wait_until,
)
from .conftest import OpenPage
from .loop import BackgroundLoop
from .servers import Server

pytestmark = pytest.mark.e2e

WITHIN_A_SECOND = 1_000


def rest(server: Server, user: str, path: str, body: object = None, method: str = "POST") -> Any:
    """Send a request to the REST API as that user."""
    request = urllib.request.Request(
        f"{server.url}/api/v1/{path}",
        json.dumps(body or {}).encode() if method == "POST" else None,
        {"Content-Type": "application/json", "Authorization": f"Bearer {server.token(user)}"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=servers.ANSWERS_WITHIN) as answer:
        return json.load(answer)


def tell_alice(server: Server, title: str, **fields: str) -> int:
    """Notify alice as the admin; returns the notification's id."""
    alice = rest(server, "alice", "me/", method="GET")["id"]
    body = {"user_id": alice, "title": title, **fields}
    return int(rest(server, "admin", "notifications/", body)["ids"][0])


def all_read(server: Server) -> None:
    rest(server, "alice", "notifications/read-all/")


def bell(page: Page) -> Any:
    return page.locator("#bell [data-badge]")


def expect_count(page: Page, count: int, within: float = PATIENCE * 1000) -> None:
    if count:
        expect(bell(page)).to_have_text(str(count), timeout=within)
    expect(bell(page)).to_be_visible(visible=count > 0, timeout=within)


def connected(server: Server, open_page: OpenPage, viewport: dict[str, int] = DESKTOP) -> Page:
    """Open alice's page, and wait until its bell has heard from the server."""
    page = open_page(server, user=None, viewport=viewport)
    frames = Frames.of(page)
    sign_in(page, server)
    heard = '"unread_count"'
    wait_until(
        page,
        lambda: any(heard in frame for frame in frames.received),
        what="the first count",
    )
    return page


def test_the_bell_rings_on_both_browsers_and_reading_on_one_counts_down_on_the_other(
    any_server: Server, open_page: OpenPage
) -> None:
    server = any_server
    all_read(server)
    first, second = connected(server, open_page), connected(server, open_page, PHONE)
    ids = [tell_alice(server, "Box, box"), tell_alice(server, "Box this lap")]
    for page in (first, second):
        expect_count(page, 2, WITHIN_A_SECOND)
    expect(second.locator(".tabbar [data-badge=notifications]")).to_have_text("2")
    first.locator("#bell").click()
    first.locator(f"#bell-panel [data-notification='{ids[0]}']").click()
    for page in (first, second):
        expect_count(page, 1, WITHIN_A_SECOND)
    first.wait_for_url("**/inbox/**")
    expect(first.locator(".detail h2")).to_have_text("Box, box")
    # A program marks it as read over REST: both pages follow.
    rest(server, "alice", f"notifications/{ids[1]}/read/")
    for page in (first, second):
        expect_count(page, 0, WITHIN_A_SECOND)


def test_a_mention_in_chat_rings_the_bell_on_both_browsers(
    any_server: Server, open_page: OpenPage, loop: BackgroundLoop
) -> None:
    server = any_server
    all_read(server)
    first, second = connected(server, open_page), connected(server, open_page, PHONE)
    expect_count(first, 0)

    async def mention() -> None:
        headers = {"Authorization": f"Bearer {server.token('bob')}"}
        client = await SocketClient.open(f"{server.ws_url}/ws/chat/", headers)
        sent = await client.command("send_message", room="general", text="@alice box this lap")
        assert sent["type"] == "ack"
        await client.close()

    loop.run(mention())
    for page in (first, second):
        expect_count(page, 1, WITHIN_A_SECOND)
    first.locator("#bell").click()
    expect(first.locator("#bell-panel .note").first).to_contain_text("bob mentioned you")
    first.locator("#bell-panel .note").first.click()
    first.wait_for_url("**/chat/**")
    for page in (first, second):
        expect_count(page, 0, WITHIN_A_SECOND)


def test_all_can_be_marked_as_read_from_the_bell(server: Server, open_page: OpenPage) -> None:
    all_read(server)
    for number in range(3):
        tell_alice(server, f"Lap {number}")
    first, second = open_page(server), open_page(server)
    expect_count(first, 3)
    expect_count(second, 3)
    expect(first.locator("#bell")).to_have_accessible_name("Notifications 3 unread")
    first.locator("#bell").click()
    first.get_by_role("button", name="Mark all read").click()
    expect_count(first, 0)
    expect_count(second, 0)
    expect(first.locator("#bell-panel .note.is-unread")).to_have_count(0)
    first.keyboard.press("Escape")
    expect(first.locator("#bell-panel")).to_be_hidden()
    expect(first.locator("#bell")).to_be_focused()


def test_a_link_opens_what_the_notification_is_about_and_it_is_read(
    server: Server, open_page: OpenPage
) -> None:
    all_read(server)
    tell_alice(server, "Look at your profile", link="/accounts/profile/")
    page = open_page(server)
    expect_count(page, 1)
    page.locator("#bell").click()
    page.locator("#bell-panel .note.is-unread").click()
    page.wait_for_url("**/accounts/profile/")
    expect_count(page, 0)


def test_the_inbox_lists_filters_and_opens_with_the_keyboard_alone(
    server: Server, open_page: OpenPage
) -> None:
    all_read(server)
    page = open_page(server)
    page.goto(f"{server.url}/inbox/")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    older, newer = tell_alice(server, "Older"), tell_alice(server, "Newer", severity="critical")
    expect(page.locator(".note").first).to_contain_text("Newer")
    page.keyboard.press("u")
    expect(page.locator(".filter", has_text="Unread")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".note")).to_have_count(2)
    page.keyboard.press("j")
    expect(page.locator(".detail h2")).to_have_text("Newer")
    expect(page.locator(f"[data-notification='{newer}']")).not_to_have_class(
        re.compile("is-unread")
    )
    page.locator(f"[data-notification='{newer}']").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"[data-notification='{older}']")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".detail h2")).to_have_text("Older")
    expect_count(page, 0)
    page.reload()
    expect(page.locator(".detail h2")).to_have_text("Older")
    page.go_back()
    expect(page.locator(".detail h2")).to_have_text("Newer")


def test_back_closes_what_was_opened_and_escape_closes_one_layer_at_a_time(
    server: Server, open_page: OpenPage
) -> None:
    all_read(server)
    told = tell_alice(server, "Opened")
    page = open_page(server)
    page.goto(f"{server.url}/inbox/")
    page.locator(f"[data-notification='{told}']").click()
    heading = page.locator(".detail h2", has_text="Opened")
    expect(heading).to_be_visible()
    page.go_back()
    expect(heading).to_have_count(0)
    page.go_forward()
    expect(heading).to_be_visible()
    page.locator("#bell").click()
    expect(page.locator("#bell-panel .note").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#bell-panel")).to_be_hidden()
    expect(heading).to_be_visible()
    page.keyboard.press("Escape")
    expect(heading).to_have_count(0)


def test_older_ones_come_as_one_scrolls(server: Server, open_page: OpenPage) -> None:
    person = server.new_person()
    for number in range(120):
        told = {"user_id": person.user_id, "title": f"Lap {number}"}
        rest(server, "admin", "notifications/", told)
    page = open_page(server, user=person.username)
    expect(bell(page)).to_have_text("99+")
    page.goto(f"{server.url}/inbox/")
    expect(page.locator(".note").first).to_contain_text("Lap 119")

    def scrolled_to_the_first() -> bool:
        page.locator(".inbox-rows").evaluate("rows => rows.scrollTo(0, rows.scrollHeight)")
        return page.locator(".note .t", has_text=re.compile("^Lap 0$")).count() == 1

    wait_until(page, scrolled_to_the_first, what="the oldest notification")
    titles = page.locator(".note .t", has_text="Lap ").all_inner_texts()
    assert titles == [f"Lap {number}" for number in reversed(range(120))]


def test_what_comes_while_the_server_is_away_is_there_when_it_is_back(
    own_server: Server, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expect(r"WebSocket connection to .* failed")
    complaints.expect(r"net::ERR_CONNECTION_REFUSED")
    page = open_page(own_server)
    page.goto(f"{own_server.url}/inbox/")
    kept = tell_alice(own_server, "Before")
    expect(page.locator(f"[data-notification='{kept}']")).to_be_visible()
    own_server.stop()
    expect(page.locator("[data-note=reconnecting]")).to_be_visible()
    expect(page.locator(f"[data-notification='{kept}']")).to_be_visible()
    expect(page.get_by_role("button", name="Mark all read").first).to_be_disabled()
    own_server.start()
    all_read(own_server)
    tell_alice(own_server, "After")
    expect(page.locator(".note").first).to_contain_text("After")
    expect(page.locator(f"[data-notification='{kept}']")).not_to_have_class(re.compile("is-unread"))
    expect_count(page, 1)


def test_announcements_and_messages_are_shown_where_one_is(
    server: Server, open_page: OpenPage
) -> None:
    page, boss = connected(server, open_page), open_page(server, user=None)
    alice = rest(server, "alice", "me/", method="GET")["id"]
    rest(server, "bob", f"users/{alice}/push/", {"message": "Lunch <b>now</b>"})
    toast = page.locator(".toast").first
    expect(toast).to_contain_text("Message from bob", timeout=WITHIN_A_SECOND)
    expect(toast).to_contain_text("Lunch <b>now</b>")
    toast.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".toast")).to_have_count(0)
    boss.goto(f"{server.url}/admin/")
    boss.locator("input[name=username]").fill("admin")
    boss.locator("input[name=password]").fill(servers.ADMIN_PASSWORD)
    boss.locator("[type=submit], .btn-primary").first.click()
    boss.goto(f"{server.url}/admin/notifications/announcement/add/")
    boss.locator("[name=message]").fill("Track is closed at 18:00")
    boss.locator("[name=severity]").select_option("warning")
    boss.locator("[name=_save]").click()
    expect(page.locator(".toast")).to_contain_text("Track is closed at 18:00")
    expect(page.locator(".toast")).to_have_attribute("data-severity", "warning")
    assert accessibility_violations(page) == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bell_and_inbox_break_no_serious_accessibility_rule(
    server: Server, open_page: OpenPage, theme: str, viewport: dict[str, int]
) -> None:
    told = tell_alice(server, "A warning", severity="warning", message="In one line more")
    page = open_page(server, viewport=viewport, theme=theme)
    page.locator("#bell").click()
    expect(page.locator("#bell-panel .note").first).to_be_visible()
    assert accessibility_violations(page) == []
    page.goto(f"{server.url}/inbox/")
    expect(page.locator(".note").first).to_be_visible()
    assert accessibility_violations(page) == []
    page.locator(f"[data-notification='{told}']").click()
    expect(page.locator(".detail h2")).to_be_visible()
    assert accessibility_violations(page) == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0


def test_the_inbox_speaks_chinese_too(server: Server, open_page: OpenPage) -> None:
    tell_alice(server, "Box, box")
    page = open_page(server)
    page.goto(f"{server.url}/inbox/")
    page.get_by_role("button", name="Language").click()
    page.locator("button[lang='zh-hans']").click()
    expect(page.locator("h1")).to_have_text("收件箱")
    expect(page.get_by_role("button", name="全部标为已读")).to_be_visible()
    expect(page.locator("#bell")).to_have_accessible_name(re.compile(r"^通知 \d+ 条未读$"))


@pytest.mark.services
def test_every_process_knows_within_a_second_who_is_connected_to_any(
    production_server: Server, loop: BackgroundLoop
) -> None:
    server = production_server
    # A new user: connections of an earlier test's user might still be listed.
    person = server.new_person()

    def pushed(message: str) -> bool:
        """Push a message. Each request is a new connection, so either process may answer."""
        try:
            rest(server, "bob", f"users/{person.user_id}/push/", {"message": message})
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return json.load(error)["code"] != "not_connected"
        return True

    def settled(expected: bool) -> None:
        """Wait until all processes give this answer, for at most a second."""
        deadline = time.monotonic() + 1
        while not all(pushed("?") is expected for _ in range(6)):
            assert time.monotonic() < deadline

    async def connected() -> SocketClient:
        url = f"{server.ws_url}/ws/notifications/"
        client = await SocketClient.open(url, {"Authorization": f"Bearer {person.token}"})
        await client.event("initial_data")
        return client

    assert not pushed("nobody is there")
    client = loop.run(connected())
    settled(True)
    for number in range(12):
        assert pushed(f"{number}")
    heard: list[str] = []
    while len(heard) < 12:
        message = loop.run(client.event("user_message"))["message"]
        heard += [message] if message != "?" else []
    assert heard == [str(number) for number in range(12)]
    loop.run(client.close())
    settled(False)


def test_an_open_page_has_one_socket_for_notifications(server: Server, open_page: OpenPage) -> None:
    page = open_page(server)
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    page.goto(f"{server.url}/inbox/")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    page.locator("#bell").click()
    expect(page.locator("#bell-panel .panel-head").first).to_be_visible()
    assert len([url for url in opened if "/ws/notifications/" in url]) == 1
