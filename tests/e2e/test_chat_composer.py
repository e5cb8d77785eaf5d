"""The composer: keys, input methods, completion, drafts, files, preview, focus."""

import pytest
from playwright.sync_api import expect

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
    unique,
)
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e


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


def test_enter_that_ends_a_composition_does_not_send(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Composing"))
    alice, bob = side_by_side(server, open_page, slug)
    composer(alice).click()
    alice.keyboard.type("say ")
    keyboard = alice.context.new_cdp_session(alice)
    keyboard.send(
        "Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6}
    )
    # Browsers send this for an Enter key that an input method consumes.
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
    expect(composer(alice)).to_have_value(draft)
    composer(alice).fill("")


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
