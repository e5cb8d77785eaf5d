"""Helpers for the chat page."""

import json
import re
import urllib.request
from itertools import count
from typing import Any

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from .conftest import OpenPage
from .servers import ANSWERS_WITHIN, Server

# Milliseconds within which one user's action shows on another's page when both cores are busy.
# benchmarks/chat.py measures the delay when they are not.
SOON = 15_000

_numbers = count(1)
# A single red pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJg"
    "gg=="
)


def unique(text: str) -> str:
    """Return a text that no other message of the run equals or contains."""
    return f"{text} no. {next(_numbers):03}"


def open_room(page: Page, server: Server, slug: str = "general") -> None:
    """Go to a room and wait until its composer is usable."""
    page.goto(f"{server.url}/chat/{slug}/")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    expect(page.locator("#composer-text")).to_be_visible()
    expect(page.get_by_role("log")).to_be_visible()


def side_by_side(server: Server, open_page: OpenPage, slug: str = "general") -> tuple[Page, Page]:
    """Open the same room as alice and bob, each in their own browser."""
    alice, bob = open_page(server), open_page(server, user="bob")
    open_room(alice, server, slug)
    open_room(bob, server, slug)
    return alice, bob


def composer(page: Page) -> Locator:
    return page.locator("#composer-text")


def say(page: Page, text: str) -> str:
    """Type a message and send it with the Enter key."""
    composer(page).click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    return text


def message(page: Page, text: str) -> Locator:
    """Return the stored message with this text in its body (not in a quote)."""
    body = page.locator(".md", has_text=re.compile(rf"^\s*{re.escape(text)}\s*$"))
    return page.locator("article.msg", has=body)


def tool(page: Page, of: Locator, name: str) -> None:
    """Hover over a message and press one of its buttons."""
    of.hover()
    direct = of.locator(f".msg-tools > [data-tool={name}]")
    if direct.count() == 0:
        of.locator("[data-tool=more]").click()
        direct = of.locator(f".menu [data-tool={name}]")
    direct.click()


def room_link(page: Page, slug: str) -> Locator:
    return page.locator(f".rooms [data-room={slug}]")


def paste(page: Page, texts: dict[str, str], picture: str = "") -> bool:
    """Paste into the composer, as from a clipboard: texts by type, and a picture of that name.

    Returns whether the page handled it; if not, a browser would insert the text.
    """
    composer(page).click()
    handled: bool = page.evaluate(
        """([texts, data, name]) => {
          const clipboardData = new DataTransfer()
          for (const [type, text] of Object.entries(texts)) clipboardData.setData(type, text)
          if (name) {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
            clipboardData.items.add(new File([bytes], name, { type: 'image/png' }))
          }
          const fields = { clipboardData, bubbles: true, cancelable: true }
          const event = new ClipboardEvent('paste', fields)
          return !document.querySelector('#composer-text').dispatchEvent(event)
        }""",
        [texts, PNG, picture],
    )
    return handled


def paste_image(page: Page, name: str = "screenshot.png") -> None:
    """Paste a picture into the composer, as from a clipboard."""
    paste(page, {}, name)


class Api:
    """The REST API, used by one user's program."""

    def __init__(self, server: Server, username: str = "alice") -> None:
        self._server = server
        self._token = server.token(username)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST JSON below /api/v1/; returns the response."""
        return self._ask("POST", path, body)

    def get(self, path: str) -> Any:
        """GET a path below /api/v1/; returns the response."""
        return self._ask("GET", path)

    def patch(self, path: str, body: dict[str, Any]) -> None:
        """PATCH JSON below /api/v1/."""
        self._ask("PATCH", path, body)

    def delete(self, path: str) -> None:
        """DELETE a path below /api/v1/."""
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self._server.url}/api/v1/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN) as answer:
            return json.loads(answer.read() or "null")

    def room(self, name: str, people: tuple[str, ...] = ("bob",)) -> str:
        """Create a private room with these members; returns its slug."""
        slug = str(self.post("rooms/", {"name": name, "kind": "private"})["slug"])
        ids = {person["username"]: person["id"] for person in self.get("users/")}
        for person in people:
            self.post(f"rooms/{slug}/members/", {"user_id": ids[person]})
        return slug

    def say(self, slug: str, text: str) -> None:
        self.post(f"rooms/{slug}/messages/", {"text": text})


class Line:
    """The page's chat socket, which can be cut. Create it before opening the page."""

    def __init__(self, page: Page) -> None:
        self._open = True
        self._routes: list[WebSocketRoute] = []
        page.route_web_socket("**/ws/chat/**", self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        if not self._open:
            route.close(code=1001)
            return
        self._routes.append(route)
        route.connect_to_server()

    def cut(self) -> None:
        """Break the socket, and prevent new ones."""
        self._open = False
        while self._routes:
            self._routes.pop().close(code=1001)

    def mend(self) -> None:
        self._open = True
