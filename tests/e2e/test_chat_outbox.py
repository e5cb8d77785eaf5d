"""Messages written while the connection is broken, or refused: sent once, or returned in full."""

import pytest
from playwright.sync_api import Page, expect

from .browser import Complaints
from .chat_page import (
    SOON,
    Api,
    Line,
    composer,
    message,
    open_room,
    paste_image,
    say,
    side_by_side,
    tool,
    unique,
)
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e


def one_cut_off(server: Server, open_page: OpenPage, slug: str) -> tuple[Page, Page, Line]:
    """Open the same room as alice and bob, with bob disconnected."""
    alice, bob = open_page(server), open_page(server, user="bob")
    line = Line(bob)
    open_room(alice, server, slug)
    open_room(bob, server, slug)
    line.cut()
    expect(bob.locator("[data-note=reconnecting]")).to_be_visible()
    return alice, bob, line


def test_after_a_broken_line_the_page_catches_up_and_sends_what_was_written_once(
    server: Server, open_page: OpenPage
) -> None:
    slug = Api(server).room(unique("Line"))
    alice, bob, line = one_cut_off(server, open_page, slug)
    missed = [say(alice, unique("missed")) for _ in range(3)]
    expect(message(alice, missed[-1])).to_be_visible(timeout=SOON)
    written = say(bob, unique("written without a line"))
    expect(bob.locator(".is-pending[data-state=waiting]")).to_contain_text(written)
    line.mend()
    bob.get_by_role("button", name="Retry now").click()
    for text in [*missed, written]:
        expect(message(bob, text)).to_have_count(1)
    expect(bob.locator("[data-caught-up]")).to_have_text("Caught up on 3 messages", timeout=SOON)
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
    expect(alice.locator("[data-note=reconnecting]")).to_be_visible()
    during = say(alice, unique("while it is away"))
    own_server.start()
    for page in (alice, bob):
        expect(page.locator(".conn")).to_have_attribute("data-state", "live")
        expect(message(page, before)).to_have_count(1)
        expect(message(page, during)).to_have_count(1)


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
    alice, bob, line = one_cut_off(server, open_page, slug)
    text = say(bob, unique("written before the mute"))
    member = alice.locator("[data-member=bob]")
    member.hover()
    member.get_by_role("button", name="Actions for bob").click()
    alice.locator(".menu:popover-open [data-mute]").click()
    line.mend()
    bob.get_by_role("button", name="Retry now").click()
    expect(bob.locator(".room-closed")).to_contain_text("muted")
    failed = bob.locator(".is-pending[data-state=failed]")
    expect(failed).to_be_visible(timeout=SOON)
    failed.get_by_role("button", name="Edit").click()
    expect(failed).to_have_count(0)
    member.hover()
    member.get_by_role("button", name="Actions for bob").click()
    alice.locator(".menu:popover-open [data-mute]").click()
    expect(composer(bob)).to_have_value(text, timeout=SOON)
