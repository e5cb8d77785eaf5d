"""The chat between two users, side by side in real browsers."""

import re

import pytest
from playwright.sync_api import expect

from .browser import DESKTOP, PHONE, accessibility_violations, wait_until
from .chat_page import (
    SOON,
    Api,
    composer,
    message,
    open_room,
    paste_image,
    room_link,
    say,
    side_by_side,
    tool,
    unique,
)
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e

# Records the numbers shown beside "Chat", in `window.numbers`.
NOTE_NUMBERS = """
window.numbers = []
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.dataset.badge === 'chat') numbers.push(target.dataset.number)
  }
}).observe(document, { subtree: true, attributeFilter: ['data-number'] })
"""


def test_what_one_types_appears_at_the_other(server: Server, open_page: OpenPage) -> None:
    alice, bob = side_by_side(server, open_page)
    text = say(alice, unique("tyres are **warm** on lap"))
    shown = text.replace("**", "")
    expect(message(alice, shown)).to_be_visible(timeout=SOON)
    expect(message(bob, shown)).to_be_visible(timeout=SOON)
    expect(message(bob, shown).locator("strong")).to_have_text("warm")
    expect(composer(alice)).to_have_value("")


def test_an_edit_is_seen_by_both_and_its_earlier_text_can_be_read(
    server: Server, open_page: OpenPage
) -> None:
    alice, bob = side_by_side(server, open_page)
    text = say(alice, unique("box this lap"))
    expect(message(alice, text)).to_be_visible(timeout=SOON)
    expect(message(bob, text)).to_be_visible(timeout=SOON)
    alice.keyboard.press("ArrowUp")
    editor = alice.locator(".editor textarea")
    expect(editor).to_have_value(text)
    better = unique("box next lap")
    editor.fill(better)
    editor.press("Enter")
    expect(message(bob, better)).to_be_visible(timeout=SOON)
    expect(message(bob, text)).to_have_count(0)
    message(bob, better).get_by_role("button", name="edited").click()
    expect(bob.get_by_role("dialog", name="Earlier versions")).to_contain_text(text)


def test_a_deleted_message_leaves_its_place_and_nothing_else(
    server: Server, open_page: OpenPage
) -> None:
    alice, bob = side_by_side(server, open_page)
    text = say(alice, unique("wrong window"))
    expect(message(bob, text)).to_be_visible(timeout=SOON)
    key = message(alice, text).get_attribute("data-key")
    tool(alice, message(alice, text), "delete")
    alice.locator("[data-confirm-delete]").click()
    expect(bob.locator(f"[data-key={key}]")).to_contain_text("was deleted", timeout=SOON)
    expect(bob.get_by_text(text)).to_have_count(0)


def test_reactions_are_counted_for_both(server: Server, open_page: OpenPage) -> None:
    alice, bob = side_by_side(server, open_page)
    text = say(alice, unique("pole position"))
    expect(message(bob, text)).to_be_visible(timeout=SOON)
    tool(bob, message(bob, text), "react")
    bob.get_by_role("button", name="celebrate").click()
    reaction = message(alice, text).locator(".react").first
    expect(reaction).to_contain_text("1", timeout=SOON)
    expect(reaction).to_have_attribute("aria-label", "celebrate: bob")
    reaction.click()
    expect(message(bob, text).locator(".react").first).to_contain_text("2", timeout=SOON)
    reaction.click()
    expect(message(bob, text).locator(".react").first).to_contain_text("1", timeout=SOON)


def test_a_reply_quotes_what_it_answers_and_leads_to_it(
    server: Server, open_page: OpenPage
) -> None:
    alice, bob = side_by_side(server, open_page)
    text = say(alice, unique("how long is the stop"))
    expect(message(bob, text)).to_be_visible(timeout=SOON)
    tool(bob, message(bob, text), "reply")
    answer = unique("2.3 s")
    bob.keyboard.type(answer)
    bob.keyboard.press("Enter")
    quote = message(alice, answer).locator(".quote")
    expect(quote).to_contain_text(text, timeout=SOON)
    quote.click()
    expect(message(alice, text)).to_have_class(re.compile("is-target"))


def test_who_is_typing_is_shown_to_the_others(server: Server, open_page: OpenPage) -> None:
    alice, bob = side_by_side(server, open_page)
    composer(alice).click()
    alice.keyboard.type("let me think")
    expect(bob.locator(".typing")).to_have_text("alice is typing", timeout=SOON)
    composer(alice).fill("")
    expect(bob.locator(".typing")).to_have_text("", timeout=12_000)


def test_who_is_there_is_shown_until_they_have_left(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Present"))
    alice, bob = side_by_side(server, open_page, slug)
    entry = alice.locator("[data-member=bob]")
    expect(entry).to_have_attribute("data-presence", "online", timeout=SOON)
    bob.context.close()
    expect(entry).to_have_attribute("data-presence", "offline", timeout=25_000)


def test_who_touches_nothing_for_a_while_is_shown_as_away(
    server: Server, open_page: OpenPage
) -> None:
    # Not bob: after the previous test, he still counts as attentive for some seconds.
    person = server.new_person().username
    slug = Api(server).room(unique("Away"), (person,))
    alice, other = open_page(server), open_page(server, user=person)
    other.clock.install()
    open_room(alice, server, slug)
    open_room(other, server, slug)
    entry = alice.locator(f"[data-member={person}]")
    expect(entry).to_have_attribute("data-presence", "online")
    other.clock.fast_forward("05:01")
    expect(entry).to_have_attribute("data-presence", "away", timeout=25_000)
    other.mouse.move(200, 200)
    other.mouse.move(300, 300)
    expect(entry).to_have_attribute("data-presence", "online")


def test_unread_counts_fall_in_every_tab_when_one_reads(
    server: Server, open_page: OpenPage
) -> None:
    # The badge counts all rooms, and bob has some with unread messages.
    person = server.new_person().username
    slug = Api(server).room(unique("Unread"), (person,))
    alice, reader = open_page(server), open_page(server, user=person)
    open_room(alice, server, slug)
    open_room(reader, server, Api(server).room(unique("Quiet"), (person,)))
    other_tab = reader.context.new_page()
    other_tab.goto(f"{server.url}/dashboards/")
    badge = other_tab.locator(".nav [data-badge=chat]")
    expect(badge).to_be_hidden()
    say(alice, unique("unread one"))
    say(alice, unique(f"and @{person} another"))
    expect(room_link(reader, slug).locator(".count")).to_contain_text("1 mention", timeout=SOON)
    expect(badge).to_be_visible(timeout=SOON)
    reader.bring_to_front()
    room_link(reader, slug).click()
    expect(reader.locator(".divider.is-new")).to_be_visible(timeout=SOON)
    expect(room_link(reader, slug).locator(".count")).to_have_count(0, timeout=SOON)
    expect(badge).to_be_hidden(timeout=SOON)


def test_opening_the_chat_does_not_say_that_all_is_read(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Kept"))
    alice = open_page(server)
    open_room(alice, server, slug)
    say(alice, unique("while bob is away"))
    bob = open_page(server, user="bob")
    other_tab = bob.context.new_page()
    other_tab.goto(f"{server.url}/dashboards/")
    other_tab.wait_for_load_state()
    expect(other_tab.locator(".nav [data-badge=chat]")).to_be_visible()
    for tab in (other_tab, bob):
        tab.add_init_script(NOTE_NUMBERS)
        tab.evaluate(NOTE_NUMBERS)
    open_room(bob, server)
    expect(room_link(bob, slug).locator(".count")).to_be_visible()
    for tab in (other_tab, bob):
        assert "0" not in tab.evaluate("window.numbers")


def test_a_mention_rings_the_bell_and_leads_to_its_message(
    server: Server, open_page: OpenPage
) -> None:
    person = server.new_person().username
    slug = Api(server).room(unique("Bell"), (person,))
    alice, called = open_page(server), open_page(server, user=person)
    open_room(alice, server, slug)
    called.goto(f"{server.url}/dashboards/")
    expect(called.locator(".conn")).to_have_attribute("data-state", "live")
    # The only notification is about being added to the room.
    bell = called.locator("#bell")
    expect(bell).to_have_accessible_name(re.compile("1 unread"), timeout=SOON)
    composer(alice).click()
    alice.keyboard.type(f"hey @{person[:-1]}")
    expect(alice.get_by_role("option", name=person)).to_be_visible()
    composer(alice).press("Enter")
    expect(composer(alice)).to_have_value(f"hey @{person} ")
    text = unique("look")
    alice.keyboard.type(text)
    alice.keyboard.press("Enter")
    expect(bell).to_have_accessible_name(re.compile("2 unread"), timeout=SOON)
    bell.click()
    called.locator("#bell-panel").get_by_text("alice mentioned you").first.click()
    called.wait_for_url(re.compile(rf"/chat/{slug}/"))
    shown = message(called, f"hey @{person} {text}")
    expect(shown).to_have_class(re.compile("is-target"), timeout=SOON)


def test_a_pasted_image_is_uploaded_and_shown_to_both(server: Server, open_page: OpenPage) -> None:
    alice, bob = side_by_side(server, open_page)
    paste_image(alice, "lap-times.png")
    expect(alice.locator("[data-upload=done]")).to_be_visible(timeout=SOON)
    text = say(alice, unique("see this"))
    image = message(bob, text).locator(".file-image img")
    expect(image).to_be_visible(timeout=SOON)
    expect(image).to_have_attribute("alt", "lap-times.png")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1


def test_a_metric_posted_as_a_card_changes_in_place(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Cards"))
    alice, bob = side_by_side(server, open_page, slug)
    composer(alice).click()
    alice.keyboard.type("/metric cpu")
    expect(alice.locator("[data-metric-option=cpu_usage]")).to_be_visible(timeout=SOON)
    alice.keyboard.press("Enter")
    card = bob.locator("[data-card='metric/cpu_usage']")
    expect(card.locator("[data-live]")).to_have_text(re.compile(r"\d"))
    time = card.locator("[data-card-time]")
    first = time.inner_text()
    wait_until(bob, lambda: time.inner_text() != first, what="a newer reading")
    expect(card.get_by_role("link", name="Open chart")).to_have_attribute(
        "href", re.compile(r"metric=cpu_usage&at=")
    )


def test_a_pin_stands_beside_the_room(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Pins"))
    alice, bob = side_by_side(server, open_page, slug)
    text = say(alice, unique("radio channel 4"))
    tool(alice, message(alice, text), "pin")
    bob.locator("[data-side=pins]").click(timeout=SOON)
    expect(bob.locator(".side")).to_contain_text(text, timeout=SOON)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_breaks_no_serious_accessibility_rule_and_does_not_scroll_sideways(
    server: Server, open_page: OpenPage, theme: str, viewport: dict[str, int]
) -> None:
    alice = open_page(server, viewport=viewport, theme=theme)
    open_room(alice, server)
    expect(alice.locator("article.msg").last).to_be_visible(timeout=SOON)
    assert accessibility_violations(alice) == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert alice.evaluate(overflow) == 0
    if viewport is PHONE:
        expect(alice.locator(".tabbar")).to_be_hidden()
        alice.get_by_role("link", name="Back to the rooms").click()
        expect(room_link(alice, "general")).to_be_visible()
        expect(alice.locator(".tabbar")).to_be_visible()
        assert accessibility_violations(alice) == []
        assert alice.evaluate(overflow) == 0
