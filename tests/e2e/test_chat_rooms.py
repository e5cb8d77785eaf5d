"""Rooms: creation, members, settings."""

import pytest
from playwright.sync_api import expect

from .chat_page import (
    SOON,
    Api,
    message,
    open_room,
    say,
    side_by_side,
    unique,
)
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e


def test_the_settings_are_those_of_the_room_they_were_opened_in(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server)
    first, second = unique("Settings"), unique("Settings")
    slug = api.room(first)
    api.room(second)
    alice = open_page(server)
    open_room(alice, server, slug)
    alice.locator("[data-room-settings]").click()
    name = alice.get_by_label("Name")
    expect(name).to_have_value(first)
    renamed = unique("Renamed")
    name.fill(renamed)
    alice.keyboard.press("Alt+ArrowDown")
    alice.get_by_role("button", name="Save").click()
    expect(alice.get_by_role("dialog")).to_have_count(0, timeout=SOON)
    expect(alice.locator(".rooms .room", has_text=renamed)).to_have_attribute("data-room", slug)
    expect(alice.locator(".rooms .room", has_text=second)).to_have_count(1)


def test_a_room_is_made_someone_is_brought_in_and_put_out_again(
    server: Server, open_page: OpenPage
) -> None:
    alice, bob = side_by_side(server, open_page)
    name = unique("Pit crew")
    alice.get_by_role("button", name="New room").click()
    alice.get_by_label("Name").fill(name)
    alice.get_by_label("Only people who are added").check()
    alice.get_by_role("button", name="Create room").click()
    expect(alice.locator(".room-head h2")).to_have_text(name, timeout=SOON)
    alice.locator("[data-add-member]").click()
    alice.locator("[data-person=bob]").click()
    entry = bob.locator(".rooms .room", has_text=name)
    expect(entry).to_be_visible(timeout=SOON)
    entry.click()
    text = say(alice, unique("welcome"))
    expect(message(bob, text)).to_be_visible(timeout=SOON)
    member = alice.locator("[data-member=bob]")
    member.hover()
    member.get_by_role("button", name="Actions for bob").click()
    alice.locator(".menu:popover-open [data-mute]").click()
    expect(bob.locator(".room-closed")).to_contain_text("muted", timeout=SOON)
    member.hover()
    member.get_by_role("button", name="Actions for bob").click()
    alice.locator(".menu:popover-open [data-remove]").click()
    expect(entry).to_have_count(0, timeout=SOON)
    expect(bob.get_by_text(text)).to_have_count(0)
