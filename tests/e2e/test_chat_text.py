"""How texts of messages look: direction, tables, lists."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .browser import PHONE, accessibility_violations
from .chat_page import SOON, Api, composer, open_room, unique
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e

TABLE = """| driver | laps | best | gap | tyre | stops |
|---|---:|---|---|---|---|
| Verstappen | 1200 | 1:32.508 | +12.345 | medium | 2 |
| Hülkenberg | 98765 | 2026-11-28 | +1 lap | intermediate | 3 |"""


def directions(page: Page, selector: str) -> list[str]:
    script = "(all) => all.map((one) => getComputedStyle(one).direction)"
    found: list[str] = page.locator(selector).evaluate_all(script)
    return found


def lines_of(page: Page, selector: str) -> list[int]:
    """In how many lines the text of each element stands."""
    script = """(all) => all.map((one) => {
      const range = document.createRange()
      range.selectNodeContents(one)
      return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size
    })"""
    found: list[int] = page.locator(selector).evaluate_all(script)
    return found


def test_each_paragraph_has_the_direction_of_its_first_letter(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server)
    slug = api.room(unique("Directions"))
    api.say(slug, "שלום, world\n\nhello, עולם\n\n- מרחב\n\n> مرحبا\n\n`code שלום`\n\n@alice مرحبا")
    alice = open_page(server)
    open_room(alice, server, slug)
    expect(alice.locator(".md .mention")).to_be_visible(timeout=SOON)
    assert directions(alice, ".md > p") == ["rtl", "ltr", "ltr", "rtl"]
    assert directions(alice, ".md ul, .md li, .md blockquote") == ["rtl"] * 3
    assert directions(alice, ".md code") == ["ltr"]
    isolation = "(one) => getComputedStyle(one).unicodeBidi"
    assert alice.locator(".md .mention").evaluate(isolation) == "isolate"
    composer(alice).fill("שלום")
    assert directions(alice, "#composer-text") == ["rtl"]
    alice.locator("[data-compose=preview]").click()
    expect(alice.locator(".preview p")).to_have_text("שלום", timeout=SOON)
    assert directions(alice, ".preview p") == ["rtl"]


def test_words_and_numbers_of_a_table_stay_whole_on_a_phone(
    server: Server, open_page: OpenPage
) -> None:
    api = Api(server)
    slug = api.room(unique("Tables"))
    api.say(slug, TABLE)
    alice = open_page(server, viewport=PHONE)
    open_room(alice, server, slug)
    expect(alice.locator(".md table")).to_be_visible(timeout=SOON)
    assert set(lines_of(alice, ".md th, .md td")) == {1}
    size: dict[str, Any] = alice.locator(".md table").evaluate(
        "(one) => ({ inner: one.scrollWidth, outer: one.clientWidth, page: innerWidth })"
    )
    assert size["inner"] > size["outer"]
    assert size["outer"] < size["page"]
    assert accessibility_violations(alice) == []


def test_long_list_numbers_stay_inside_the_message(server: Server, open_page: OpenPage) -> None:
    api = Api(server)
    slug = api.room(unique("Numbers"))
    api.say(slug, "999999998. first\n999999999. second")
    alice = open_page(server)
    open_room(alice, server, slug)
    expect(alice.locator(".md li").first).to_be_visible(timeout=SOON)
    # The number hangs out of its item to the left by its own width.
    room: dict[str, float] = alice.locator(".md ol").evaluate(
        """(list) => {
          const ruler = document.createElement('canvas').getContext('2d')
          const style = getComputedStyle(list)
          ruler.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`
          const { width } = ruler.measureText('999999999. ')
          return { there: parseFloat(style.paddingLeft), needed: width }
        }"""
    )
    assert room["there"] >= room["needed"]
