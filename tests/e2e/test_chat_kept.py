"""What is typed or chosen and not sent yet is never lost without a word."""

import pytest
from playwright.sync_api import Page, expect

from .chat_page import (
    SOON,
    Api,
    composer,
    message,
    open_room,
    paste,
    room_link,
    say,
    side_by_side,
    tool,
    unique,
)
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e


def begin_edit(page: Page, text: str) -> None:
    """Open the editor of one's last message and type something else."""
    composer(page).press("ArrowUp")
    editor = page.locator(".editor textarea")
    expect(editor).to_be_focused()
    editor.fill(text)


def test_an_edit_goes_on_after_a_look_into_another_room_and_a_reload(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Edits"))
    alice = open_page(server)
    open_room(alice, server, slug)
    text = say(alice, unique("the old plan"))
    expect(message(alice, text)).to_be_visible(timeout=SOON)
    better = unique("half of a better plan")
    begin_edit(alice, better)
    room_link(alice, "general").click()
    expect(room_link(alice, slug).locator(".room-draft")).to_be_visible()
    room_link(alice, slug).click()
    expect(alice.locator(".editor textarea")).to_have_value(better)
    alice.reload()
    editor = alice.locator(".editor textarea")
    expect(editor).to_have_value(better)
    editor.press("Enter")
    expect(message(alice, better)).to_be_visible(timeout=SOON)


def test_a_discarded_edit_can_be_taken_back(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Discarded"))
    alice = open_page(server)
    open_room(alice, server, slug)
    text = say(alice, unique("as it was"))
    expect(message(alice, text)).to_be_visible(timeout=SOON)
    better = unique("a long and careful text")
    begin_edit(alice, better)
    alice.locator(".editor textarea").press("Escape")
    expect(alice.locator(".editor")).to_have_count(0)
    alice.locator("[data-restore]").click()
    expect(alice.locator(".editor textarea")).to_have_value(better)


def test_an_edit_of_a_message_that_is_deleted_meanwhile_is_in_the_composer(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server, "bob").room(unique("Deleted"), people=("alice",))
    alice, bob = side_by_side(server, open_page, slug)
    text = say(alice, unique("soon gone"))
    expect(message(bob, text)).to_be_visible(timeout=SOON)
    better = unique("not gone")
    begin_edit(alice, better)
    tool(bob, message(bob, text), "delete")
    bob.locator("[data-confirm-delete]").click()
    expect(alice.locator("[data-notice=withdrawn]")).to_be_visible(timeout=SOON)
    expect(composer(alice)).to_have_value(better)


def test_a_text_that_only_begins_like_a_command_is_sent_and_escape_erases_nothing(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Commands"))
    alice = open_page(server)
    open_room(alice, server, slug)
    text = say(alice, unique("/metric endpoint returns 500"))
    expect(message(alice, text)).to_be_visible(timeout=SOON)
    composer(alice).fill("/metric cpu")
    expect(alice.locator("[data-metric-option=cpu_usage]")).to_be_visible(timeout=SOON)
    composer(alice).press("Escape")
    expect(composer(alice)).to_have_value("/metric cpu")
    expect(alice.locator("[data-metric-option]")).to_have_count(0)
    composer(alice).press("Enter")
    expect(message(alice, "/metric cpu")).to_be_visible(timeout=SOON)


def test_of_thirteen_files_three_wait_for_the_next_message(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Thirteen"))
    alice = open_page(server)
    open_room(alice, server, slug)
    files = [
        {"name": f"lap {number}.txt", "mimeType": "text/plain", "buffer": b"1:32.5"}
        for number in range(1, 14)
    ]
    alice.locator("input[type=file]").set_input_files(files)  # type: ignore[arg-type]
    expect(alice.locator("[data-upload=done]")).to_have_count(10, timeout=SOON)
    expect(alice.locator("[data-upload=surplus]")).to_have_count(3)
    expect(alice.locator(".tray-sum")).to_contain_text("3 files wait for the next message")
    composer(alice).press("Enter")
    expect(alice.locator("article .file")).to_have_count(10, timeout=SOON)
    expect(alice.locator("[data-upload=done]")).to_have_count(3, timeout=SOON)
    alice.reload()
    expect(alice.locator("[data-upload=done]")).to_have_count(3, timeout=SOON)
    composer(alice).press("Enter")
    expect(alice.locator("article .file")).to_have_count(13, timeout=SOON)


def test_a_reply_is_still_one_after_a_reload(server: Server, open_page: OpenPage) -> None:
    slug = Api(server).room(unique("Replies"))
    alice = open_page(server)
    open_room(alice, server, slug)
    text = say(alice, unique("which tyres"))
    expect(message(alice, text)).to_be_visible(timeout=SOON)
    tool(alice, message(alice, text), "reply")
    expect(alice.locator(".composer-reply")).to_contain_text(text)
    alice.reload()
    expect(alice.locator(".composer-reply")).to_contain_text(text, timeout=SOON)


def test_what_was_typed_for_a_room_that_is_gone_can_be_copied(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server, "bob")
    slug = api.room(unique("Dissolved"), people=("alice",))
    alice = open_page(server)
    open_room(alice, server, slug)
    draft = unique("an hour of thoughts")
    composer(alice).fill(draft)
    api.delete(f"rooms/{slug}/")
    dialog = alice.get_by_role("dialog", name="is no longer available")
    expect(dialog).to_contain_text(draft, timeout=SOON)


def test_a_closed_dialog_keeps_what_was_typed_into_it(server: Server, open_page: OpenPage) -> None:
    alice = open_page(server)
    open_room(alice, server)
    alice.get_by_role("button", name="New room").click()
    alice.get_by_label("Topic").fill("all about the gearbox")
    alice.keyboard.press("Escape")
    expect(alice.get_by_role("dialog")).to_have_count(0)
    alice.get_by_role("button", name="New room").click()
    expect(alice.get_by_label("Topic")).to_have_value("all about the gearbox")
    alice.get_by_role("button", name="Start over").click()
    expect(alice.get_by_label("Topic")).to_have_value("")


def test_cells_are_pasted_as_text_and_a_picture_alone_as_a_file(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Pasting"))
    alice = open_page(server)
    open_room(alice, server, slug)
    cells = {"text/plain": "lap\ttime\n1\t1:32.5", "text/html": "<table></table>"}
    assert paste(alice, cells, picture="image.png") is False
    expect(alice.locator("[data-upload]")).to_have_count(0)
    assert paste(alice, {"text/html": "<img src=x>"}, picture="screenshot.png") is True
    expect(alice.locator("[data-upload]")).to_contain_text("screenshot.png")


def test_the_indentation_of_the_first_line_is_the_servers(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Indented"))
    alice, bob = side_by_side(server, open_page, slug)
    composer(alice).fill("    first = 1\n    second = 2")
    composer(alice).press("Enter")
    expect(bob.locator(".md pre")).to_have_text("first = 1\nsecond = 2\n", timeout=SOON)


def test_a_profile_typed_after_the_session_ended_is_there_after_signing_in_again(
    server: Server, open_page: OpenPage
) -> None:
    person = server.new_person()
    page = open_page(server, user=person.username)
    page.goto(f"{server.url}/accounts/profile/")
    page.get_by_label("First name").fill("Jacqueline")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save profile").click()
    page.get_by_label("Username").fill(person.username)
    page.locator("input[name=password]").fill("telemetry-of-the-demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("First name")).to_have_value("Jacqueline")
    expect(page.locator("[data-kept-word]")).to_be_visible()
    page.get_by_role("button", name="Save profile").click()
    expect(page.locator(".banner.is-ok")).to_be_visible()
    expect(page.locator("[data-kept-word]")).to_be_hidden()
