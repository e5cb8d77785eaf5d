"""Finding rooms and people by what one types of their names."""

import pytest
from playwright.sync_api import expect

from .chat_page import SOON, Api, open_room, unique
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e


def test_the_switcher_finds_a_room_without_its_accents_exact_hits_first(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server)
    name = unique("Café")
    for made in (f"{name} annexe", name):
        api.room(made)
    alice = open_page(server)
    open_room(alice, server)
    alice.keyboard.press("Control+k")
    alice.keyboard.type(name.replace("é", "e").lower())
    options = alice.locator("#switch-list [role=option]")
    expect(options).to_have_text([name, f"{name} annexe"])


def test_the_search_offers_rooms_and_people_and_is_silent_on_half_an_operator(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server)
    name = unique("Büro")
    slug = api.room(name)
    api.say(slug, unique("the gearbox is fine"))
    alice = open_page(server)
    open_room(alice, server)
    alice.locator("[data-side=search]").click()
    field = alice.get_by_role("combobox", name="Search messages")
    field.press_sequentially("gearbox from:")
    expect(alice.locator("[data-offer=bob]")).to_be_visible()
    expect(alice.locator(".room-problem")).to_have_count(0)
    field.fill("gearbox before:2026-")
    alice.wait_for_timeout(600)
    expect(alice.locator(".room-problem, .search-form .hint")).to_have_count(0)
    field.fill("gearbox ")
    field.press_sequentially(f"in:{name[:3].replace('ü', 'u')}")
    offer = alice.locator(f"[data-offer='{slug}']")
    expect(offer).to_contain_text(name)
    offer.click()
    expect(field).to_have_value(f"gearbox in:{slug} ")
    expect(alice.locator("[data-result]")).to_have_count(1, timeout=SOON)
