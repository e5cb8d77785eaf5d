"""What changes while pages are open: names, and counts of what is unread."""

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .browser import PATIENCE
from .chat_page import SOON, Api, composer, open_room, room_link, unique
from .conftest import OpenPage
from .servers import ADMIN_PASSWORD, ANSWERS_WITHIN, Person, Server

pytestmark = pytest.mark.e2e


def say_as(server: Server, person: Person, slug: str, text: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{server.url}/api/v1/rooms/{slug}/messages/",
        json.dumps({"text": text}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {person.token}"},
    )
    with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN) as answer:
        said: dict[str, Any] = json.load(answer)
    return said


def rename(admin: Page, server: Server, person: Person, username: str, first_name: str) -> None:
    admin.goto(f"{server.url}/admin/accounts/user/{person.user_id}/change/")
    admin.locator("#id_username").fill(username)
    admin.locator("#id_first_name").fill(first_name)
    admin.locator("input[name=_save]").click()
    expect(admin.locator(".success")).to_be_visible()


def test_others_see_and_are_offered_a_new_name_at_once(server: Server, open_page: OpenPage) -> None:
    person = server.new_person()
    slug = Api(server).room(unique("Renamed"), people=(person.username,))
    say_as(server, person, slug, unique("I get another name"))
    alice = open_page(server)
    open_room(alice, server, slug)
    author = alice.locator("article.msg .who bdi")
    expect(author).to_have_text(person.username, timeout=SOON)
    admin = open_page(server, user=None)
    admin.goto(f"{server.url}/admin/")
    admin.locator("input[name=username]").fill("admin")
    admin.locator("input[name=password]").fill(ADMIN_PASSWORD)
    admin.get_by_role("button").last.click()
    name = f"renamed-{person.username}"
    rename(admin, server, person, name, "Jörg")
    expect(author).to_have_text(name, timeout=SOON)
    expect(alice.locator(f"[data-member='{name}']")).to_be_visible()
    composer(alice).press_sequentially("@jorg")
    expect(alice.locator("#mention-list")).to_contain_text(name)
    composer(alice).press("Enter")
    expect(composer(alice)).to_have_value(f"@{name} ")
    composer(alice).fill("")


def test_every_badge_goes_down_when_an_unread_mention_is_deleted(
    server: Server, open_page: OpenPage
) -> None:
    reader, writer = server.new_person(), Api(server)
    slug = writer.room(unique("Badges"), people=(reader.username,))
    elsewhere = writer.room(unique("Elsewhere"), people=(reader.username,))
    page = open_page(server, user=reader.username)
    open_room(page, server, elsewhere)
    other = page.context.new_page()
    other.goto(f"{server.url}/dashboards/")
    said = [
        writer.post(f"rooms/{slug}/messages/", {"text": f"@{reader.username} {unique('box now')}"})
        for _ in range(2)
    ]
    count = room_link(page, slug).locator(".count")
    expect(count).to_contain_text("2 mentions", timeout=SOON)
    expect(page).to_have_title(re.compile(r"^\(2\)"))
    bell = other.locator("[data-badge=notifications]").first
    expect(bell).to_have_attribute("data-number", re.compile(r"[2-9]"), timeout=SOON)
    before = int(bell.get_attribute("data-number") or 0)
    writer.delete(f"messages/{said[0]['message_id']}/")
    expect(count).to_contain_text("1 mention", timeout=SOON)
    expect(count).not_to_contain_text("mentions")
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    expect(bell).to_have_attribute("data-number", str(before - 1), timeout=PATIENCE * 1000)
    writer.patch(f"messages/{said[1]['message_id']}/", {"text": "never mind"})
    expect(count).to_contain_text("1 unread", timeout=SOON)
    expect(page).to_have_title(re.compile(r"^[^(]"))
    expect(bell).to_have_attribute("data-number", str(before - 2), timeout=PATIENCE * 1000)
