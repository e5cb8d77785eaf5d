"""The chat as two people see it, side by side, in real browsers."""

import re

import pytest
from playwright.sync_api import Page, expect

from .browser import DESKTOP, PHONE, Complaints, accessibility_violations, wait_until
from .chat_page import (
    Api,
    Line,
    composer,
    message,
    open_room,
    paste_image,
    room_link,
    say,
    tool,
    unique,
)
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e
SOON = 5_000


def side_by_side(server: Server, open_page: OpenPage, slug: str = "general") -> tuple[Page, Page]:
    """Alice and bob in the same room, each in a browser of their own."""
    alice, bob = open_page(server), open_page(server, user="bob")
    open_room(alice, server, slug)
    open_room(bob, server, slug)
    return alice, bob


def test_what_one_types_appears_at_the_other(server: Server, open_page: OpenPage) -> None:
    alice, bob = side_by_side(server, open_page)
    text = say(alice, unique("tyres are **warm** on lap"))
    shown = text.replace("**", "")
    expect(message(alice, shown)).to_be_visible(timeout=SOON)
    expect(message(bob, shown)).to_be_visible(timeout=SOON)
    expect(message(bob, shown).locator("strong")).to_have_text("warm")
    expect(composer(alice)).to_have_value("")


def test_shift_enter_makes_a_new_line(server: Server, open_page: OpenPage) -> None:
    alice, bob = side_by_side(server, open_page)
    text = unique("first line")
    composer(alice).click()
    alice.keyboard.type(text)
    alice.keyboard.press("Shift+Enter")
    alice.keyboard.type("second line")
    expect(composer(alice)).to_have_value(f"{text}\nsecond line")
    alice.keyboard.press("Enter")
    expect(bob.locator(".md", has_text=text)).to_contain_text("second line", timeout=SOON)


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
    expect(bob.get_by_role("dialog", name="Earlier texts")).to_contain_text(text)


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
    alice, bob = side_by_side(server, open_page)
    entry = alice.locator("[data-member=bob]")
    expect(entry).to_have_attribute("data-presence", "online", timeout=SOON)
    bob.context.close()
    expect(entry).to_have_attribute("data-presence", "offline", timeout=25_000)


def test_who_touches_nothing_for_a_while_is_shown_as_away(
    server: Server, open_page: OpenPage
) -> None:
    alice, bob = open_page(server), open_page(server, user="bob")
    bob.clock.install()
    open_room(alice, server)
    open_room(bob, server)
    entry = alice.locator("[data-member=bob]")
    expect(entry).to_have_attribute("data-presence", "online", timeout=15_000)
    bob.clock.fast_forward("05:01")
    expect(entry).to_have_attribute("data-presence", "away", timeout=25_000)
    bob.mouse.move(200, 200)
    bob.mouse.move(300, 300)
    expect(entry).to_have_attribute("data-presence", "online", timeout=15_000)


def test_unread_counts_fall_in_every_tab_when_one_reads(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Unread"))
    alice, bob = open_page(server), open_page(server, user="bob")
    open_room(alice, server, slug)
    open_room(bob, server, "general")
    other_tab = bob.context.new_page()
    other_tab.goto(f"{server.url}/dashboards/")
    say(alice, unique("unread one"))
    say(alice, unique("and @bob another"))
    expect(room_link(bob, slug).locator(".count")).to_contain_text("1 mentions", timeout=SOON)
    badge = other_tab.locator(".nav [data-chat-unread]")
    expect(badge).to_be_visible(timeout=SOON)
    bob.bring_to_front()
    room_link(bob, slug).click()
    expect(bob.locator(".divider.is-new")).to_be_visible(timeout=SOON)
    expect(room_link(bob, slug).locator(".count")).to_have_count(0, timeout=SOON)
    expect(badge).to_be_hidden(timeout=SOON)


def test_a_mention_rings_the_bell_and_leads_to_its_message(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Bell"))
    alice, bob = open_page(server), open_page(server, user="bob")
    open_room(alice, server, slug)
    bob.goto(f"{server.url}/dashboards/")
    expect(bob.locator(".conn")).to_have_attribute("data-state", "live", timeout=15_000)
    composer(alice).click()
    alice.keyboard.type("hey @bo")
    expect(alice.get_by_role("option", name="bob")).to_be_visible()
    alice.keyboard.press("Enter")
    expect(composer(alice)).to_have_value("hey @bob ")
    text = unique("look")
    alice.keyboard.type(text)
    alice.keyboard.press("Enter")
    bell = bob.locator("#bell")
    expect(bell).to_have_attribute("aria-label", re.compile("unread"), timeout=SOON)
    bell.click()
    bob.locator("#bell-panel").get_by_text("alice mentioned you").first.click()
    bob.wait_for_url(re.compile(rf"/chat/{slug}/"))
    expect(message(bob, f"hey @bob {text}")).to_have_class(re.compile("is-target"), timeout=SOON)


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
    expect(card.locator("[data-live]")).to_have_text(re.compile(r"\d"), timeout=10_000)
    time = card.locator("[data-card-time]")
    first = time.inner_text()
    wait_until(bob, lambda: time.inner_text() != first, within=10, what="a newer reading")
    expect(card.get_by_role("link", name="Open chart")).to_have_attribute(
        "href", re.compile(r"metric=cpu_usage&at=")
    )


def test_after_a_broken_line_the_page_catches_up_and_sends_what_was_written_once(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Line"))
    alice, bob = open_page(server), open_page(server, user="bob")
    line = Line(bob)
    open_room(alice, server, slug)
    open_room(bob, server, slug)
    line.cut()
    expect(bob.locator("[data-note=reconnecting]")).to_be_visible(timeout=10_000)
    missed = [say(alice, unique("missed")) for _ in range(3)]
    expect(message(alice, missed[-1])).to_be_visible(timeout=SOON)
    written = say(bob, unique("written without a line"))
    expect(bob.locator(".is-pending[data-state=waiting]")).to_contain_text(written)
    line.mend()
    bob.get_by_role("button", name="Retry now").click()
    for text in [*missed, written]:
        expect(message(bob, text)).to_have_count(1, timeout=10_000)
    expect(bob.locator("[data-caught-up]")).to_have_text("Caught up 3 messages", timeout=SOON)
    expect(bob.locator(".is-pending")).to_have_count(0)
    expect(message(alice, written)).to_have_count(1, timeout=SOON)


def test_when_the_server_restarts_nothing_is_lost(
    own_server: Server, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.expect(r"WebSocket connection to .* failed")
    complaints.expect(r"net::ERR_CONNECTION_REFUSED")
    alice, bob = side_by_side(own_server, open_page)
    before = say(alice, unique("before the stop"))
    expect(message(bob, before)).to_be_visible(timeout=SOON)
    own_server.stop()
    expect(alice.locator("[data-note=reconnecting]")).to_be_visible(timeout=10_000)
    during = say(alice, unique("while it is away"))
    own_server.start()
    for page in (alice, bob):
        expect(page.locator(".conn")).to_have_attribute("data-state", "live", timeout=30_000)
        expect(message(page, before)).to_have_count(1)
        expect(message(page, during)).to_have_count(1, timeout=10_000)


def test_enter_that_ends_a_composition_does_not_send(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Composing"))
    alice, bob = side_by_side(server, open_page, slug)
    composer(alice).click()
    alice.keyboard.type("say ")
    keyboard = alice.context.new_cdp_session(alice)
    keyboard.send(
        "Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6}
    )
    # As browsers say it of an Enter that an input method keeps for itself.
    composer(alice).dispatch_event(
        "keydown", {"key": "Enter", "keyCode": 229, "isComposing": True, "bubbles": True}
    )
    expect(composer(alice)).to_have_value("say ni hao")
    text = unique("你好")
    keyboard.send("Input.insertText", {"text": text})
    expect(composer(alice)).to_have_value(f"say {text}")
    alice.keyboard.press("Enter")
    expect(message(bob, f"say {text}")).to_have_count(1, timeout=SOON)
    expect(bob.locator("article.msg")).to_have_count(1)


def test_a_message_that_is_refused_says_why_and_can_be_changed(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Refused"))
    alice, bob = side_by_side(server, open_page, slug)
    composer(alice).fill("x" * 16_001)
    alice.keyboard.press("Enter")
    failed = alice.locator(".is-pending[data-state=failed]")
    expect(failed).to_contain_text("at most 16,000 characters", timeout=SOON)
    failed.get_by_role("button", name="Edit").click()
    expect(composer(alice)).to_have_value("x" * 16_001)
    expect(failed).to_have_count(0)
    text = unique("shorter")
    composer(alice).fill(text)
    alice.keyboard.press("Enter")
    expect(message(bob, text)).to_be_visible(timeout=SOON)


def test_a_message_taken_back_keeps_its_file_and_what_it_answers(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Back"))
    alice, bob = side_by_side(server, open_page, slug)
    asked = say(bob, unique("which lap"))
    tool(alice, message(alice, asked), "reply")
    paste_image(alice, "lap-times.png")
    expect(alice.locator("[data-upload=done]")).to_be_visible(timeout=SOON)
    composer(alice).fill("x" * 16_001)
    alice.keyboard.press("Enter")
    failed = alice.locator(".is-pending[data-state=failed]")
    expect(failed).to_be_visible(timeout=SOON)
    failed.get_by_role("button", name="Edit").click()
    expect(alice.locator("[data-upload=done]")).to_contain_text("lap-times.png")
    expect(alice.locator(".composer-reply")).to_contain_text(asked)
    text = unique("shorter")
    composer(alice).fill(text)
    alice.keyboard.press("Enter")
    expect(message(bob, text).locator(".file-image img")).to_be_visible(timeout=SOON)
    expect(message(bob, text).locator(".quote")).to_contain_text(asked)


def test_a_message_refused_to_who_is_muted_can_be_taken_back_until_they_are_not(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Muted"))
    alice, bob = open_page(server), open_page(server, user="bob")
    line = Line(bob)
    open_room(alice, server, slug)
    open_room(bob, server, slug)
    line.cut()
    expect(bob.locator("[data-note=reconnecting]")).to_be_visible(timeout=10_000)
    text = say(bob, unique("written before the mute"))
    member = alice.locator("[data-member=bob]")
    member.hover()
    member.get_by_role("button", name="Actions for bob").click()
    alice.locator(".menu:popover-open [data-mute]").click()
    line.mend()
    bob.get_by_role("button", name="Retry now").click()
    expect(bob.locator(".room-closed")).to_contain_text("muted", timeout=10_000)
    failed = bob.locator(".is-pending[data-state=failed]")
    expect(failed).to_be_visible(timeout=SOON)
    failed.get_by_role("button", name="Edit").click()
    expect(failed).to_have_count(0)
    member.hover()
    member.get_by_role("button", name="Actions for bob").click()
    alice.locator(".menu:popover-open [data-mute]").click()
    expect(composer(bob)).to_have_value(text, timeout=SOON)


def test_files_wait_in_their_room_while_one_looks_into_another(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Files"))
    alice = open_page(server)
    open_room(alice, server, slug)
    paste_image(alice, "lap-times.png")
    expect(alice.locator("[data-upload=done]")).to_be_visible(timeout=SOON)
    room_link(alice, "general").click()
    expect(alice.locator("[data-upload]")).to_have_count(0)
    room_link(alice, slug).click()
    expect(alice.locator("[data-upload=done]")).to_contain_text("lap-times.png")


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


def test_tab_completes_a_metric_and_posts_nothing(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Tab"))
    alice = open_page(server)
    open_room(alice, server, slug)
    composer(alice).click()
    alice.keyboard.type("/metric cpu_us")
    expect(alice.locator("[data-metric-option=cpu_usage]")).to_be_visible(timeout=SOON)
    alice.keyboard.press("Tab")
    expect(composer(alice)).to_have_value("/metric cpu_usage")
    expect(composer(alice)).to_be_focused()
    composer(alice).fill("")
    alice.locator("[data-compose=metric]").click()
    expect(alice.locator("[data-metric-option]").first).to_be_visible(timeout=SOON)
    composing = {"key": "Enter", "keyCode": 229, "isComposing": True, "bubbles": True}
    alice.locator(".suggest-search input").dispatch_event("keydown", composing)
    expect(alice.locator("[data-metric-option]").first).to_be_visible()
    alice.keyboard.press("Tab")
    expect(alice.locator(".suggest")).to_have_count(0)
    expect(composer(alice)).to_be_focused()
    assert alice.locator("article.msg, .is-pending").count() == 0


def test_enter_that_ends_a_composition_chooses_no_emoji(
    server: Server, open_page: OpenPage
) -> None:
    alice = open_page(server)
    open_room(alice, server)
    composer(alice).fill("")
    alice.get_by_role("button", name="Emoji").click()
    search = alice.get_by_role("searchbox", name="Find an emoji")
    expect(search).to_be_focused()
    search.dispatch_event(
        "keydown", {"key": "Enter", "keyCode": 229, "isComposing": True, "bubbles": True}
    )
    expect(search).to_be_visible()
    expect(composer(alice)).to_have_value("")


def test_the_focus_stays_where_one_is_when_an_edit_or_a_dialog_ends(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Focus"))
    alice = open_page(server)
    open_room(alice, server, slug)
    text = say(alice, unique("keep the focus"))
    row = message(alice, text)
    expect(row).to_be_visible(timeout=SOON)
    alice.keyboard.press("ArrowUp")
    editor = alice.locator(".editor textarea")
    expect(editor).to_be_focused()
    editor.press("Escape")
    expect(composer(alice)).to_be_focused()
    row.focus()
    alice.keyboard.press("e")
    expect(editor).to_be_focused()
    better = unique("keeps the focus")
    editor.fill(better)
    editor.press("Enter")
    expect(message(alice, better)).to_be_focused(timeout=SOON)
    message(alice, better).press("Delete")
    alice.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(message(alice, better)).to_be_focused()


def test_drafts_are_kept_for_each_room(server: Server, open_page: OpenPage) -> None:
    alice = open_page(server)
    open_room(alice, server, "general")
    draft = unique("half a thought")
    composer(alice).fill(draft)
    alice.keyboard.press("Alt+ArrowDown")
    expect(composer(alice)).to_have_value("")
    alice.keyboard.press("Control+k")
    alice.keyboard.type("gen")
    alice.keyboard.press("Enter")
    expect(composer(alice)).to_have_value(draft)
    alice.reload()
    expect(composer(alice)).to_have_value(draft, timeout=10_000)
    composer(alice).fill("")


def test_older_messages_come_while_scrolling_and_nothing_jumps(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server)
    slug = api.room(unique("Long"))
    for number in range(1, 161):
        api.say(slug, f"line {number}")
    alice = open_page(server)
    open_room(alice, server, slug)
    expect(message(alice, "line 160")).to_be_in_viewport(timeout=SOON)
    first = alice.locator("article.msg").first
    key = first.get_attribute("data-key")
    anchor = alice.locator(f"[data-key={key}]")
    alice.locator(".msgs").hover()
    alice.mouse.wheel(0, -100_000)
    expect(alice.locator("[data-key=m1]")).to_be_attached(timeout=10_000)
    assert anchor.count() == 1
    alice.mouse.wheel(0, -100_000)
    expect(message(alice, "line 1")).to_be_in_viewport(timeout=SOON)
    alice.locator("[data-jump=newest]").click()
    expect(message(alice, "line 160")).to_be_in_viewport(timeout=SOON)


def test_a_page_of_older_messages_leaves_what_is_read_where_it_is(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server)
    slug = api.room(unique("Anchor"))
    for number in range(1, 121):
        api.say(slug, f"line {number}")
    alice = open_page(server)
    alice.goto(f"{server.url}/chat/{slug}/?message=90")
    target = message(alice, "line 90")
    expect(target).to_be_in_viewport(timeout=10_000)
    alice.wait_for_timeout(500)
    places = alice.evaluate(
        """async () => {
          const list = document.querySelector('.msgs')
          const row = document.querySelector('[data-key=m90]')
          const places = []
          const first = () => document.querySelector('article.msg').dataset.sequence
          const before = first()
          list.scrollTop = 300
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
          const place = () => document.querySelector('[data-key=m90]').getBoundingClientRect().top
          const start = place()
          for (let frame = 0; frame < 90; frame += 1) {
            await new Promise((done) => requestAnimationFrame(done))
            places.push(Math.round(place() - start))
          }
          return { moved: Math.max(...places.map(Math.abs)), grew: first() !== before }
        }"""
    )
    assert places == {"moved": 0, "grew": True}


def test_one_jumps_to_where_the_unread_messages_begin(server: Server, open_page: OpenPage) -> None:
    api = Api(server)
    slug = api.room(unique("Behind"))
    for number in range(1, 101):
        api.say(slug, f"behind {number}")
    bob = open_page(server, user="bob")
    open_room(bob, server, slug)
    expect(message(bob, "behind 100")).to_be_in_viewport(timeout=SOON)
    bob.locator("[data-jump=unread]").click()
    expect(bob.locator(".divider.is-new")).to_be_in_viewport(timeout=SOON)
    expect(message(bob, "behind 1")).to_be_in_viewport(timeout=SOON)


def test_a_search_leads_to_the_message_it_found(server: Server, open_page: OpenPage) -> None:
    api = Api(server)
    slug = api.room(unique("Search"))
    api.say(slug, "the undercut 赛道 worked")
    for number in range(1, 81):
        api.say(slug, f"filler {number}")
    alice = open_page(server)
    open_room(alice, server, slug)
    alice.locator("[data-side=search]").click()
    alice.get_by_role("searchbox", name="Search messages").fill("赛道 from:alice")
    result = alice.locator("[data-result]")
    expect(result).to_have_count(1, timeout=SOON)
    expect(result.locator("mark")).to_have_text("赛道")
    result.click()
    expect(alice.locator("[data-key=m1]")).to_have_class(re.compile("is-target"), timeout=SOON)
    expect(alice.locator("[data-key=m1]")).to_be_in_viewport()


def test_a_room_is_made_someone_is_brought_in_and_put_out_again(
    server: Server, open_page: OpenPage
) -> None:
    alice, bob = side_by_side(server, open_page)
    name = unique("Pit crew")
    alice.get_by_role("button", name="New room").click()
    alice.get_by_label("Name").fill(name)
    alice.get_by_label("Only those who are added").check()
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


def test_a_preview_shows_what_the_server_makes_of_the_text(
    server: Server, open_page: OpenPage
) -> None:
    alice = open_page(server)
    open_room(alice, server)
    composer(alice).fill("**flat** out <script>alert(1)</script>")
    alice.locator("[data-compose=preview]").click()
    expect(alice.locator(".preview strong")).to_have_text("flat", timeout=SOON)
    expect(alice.locator(".preview")).to_contain_text("<script>")
    alice.locator("[data-compose=preview]").click()
    composer(alice).fill("")


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
