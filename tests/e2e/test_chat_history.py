"""Older messages, and navigation to one of them: scrolling, the first unread, search."""

import re

import pytest
from playwright.sync_api import expect

from .chat_page import (
    SOON,
    Api,
    message,
    open_room,
    unique,
)
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e

UNTIL_STILL = """async () => {
  const list = document.querySelector('.msgs')
  for (let still = 0, before = -1; still < 30; before = list.scrollTop) {
    await new Promise((done) => requestAnimationFrame(done))
    still = list.scrollTop === before ? still + 1 : 0
  }
}"""


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
    expect(alice.locator("[data-key=m1]")).to_be_attached()
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
    expect(target).to_be_in_viewport()
    alice.evaluate(UNTIL_STILL)
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
    alice.get_by_role("combobox", name="Search messages").fill("赛道 from:alice")
    result = alice.locator("[data-result]")
    expect(result).to_have_count(1, timeout=SOON)
    expect(result.locator("mark")).to_have_text("赛道")
    result.click()
    expect(alice.locator("[data-key=m1]")).to_have_class(re.compile("is-target"), timeout=SOON)
    expect(alice.locator("[data-key=m1]")).to_be_in_viewport()
