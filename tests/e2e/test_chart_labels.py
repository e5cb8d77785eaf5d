"""Numbers of any size on the dashboard."""

import json
import re
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from . import servers
from .browser import DESKTOP, PHONE, wait_until
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e

METRICS = {
    "close_together": [67432, 67433, 67434, 67435, 67436],
    "hundred_millionths": [1.00000001, 1.00000002, 1.00000003],
    "googol": [1e200, 2e200],
    "eurusd": [1.0855, 1.0861],
}
# What the card shows, and what one of the labels of the axis is.
SHOWN = {
    "close_together": ("67,436", r"67,434"),
    "hundred_millionths": ("1.00000", r"1\.00000002\d*"),
    "googol": ("2e200", r"\d(\.\d+)?e200"),
    "eurusd": ("1.0861", r"1\.08\d*"),
}


def push(server: Server, at: float) -> None:
    samples = [
        {"metric": name, "value": value, "timestamp": at - 20 + index}
        for name, values in METRICS.items()
        for index, value in enumerate(values)
    ]
    request = urllib.request.Request(
        f"{server.url}/api/v1/samples/",
        json.dumps({"samples": samples}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {server.token()}"},
    )
    with urllib.request.urlopen(request, timeout=servers.ANSWERS_WITHIN) as answer:
        assert answer.status == 201


def watch_labels(page: Page) -> None:
    """Remember what is drawn on canvases, and how far to the left of them."""
    page.add_init_script(
        """window.drawn = []
        const draw = CanvasRenderingContext2D.prototype.fillText
        CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
          const width = this.measureText(text).width
          if (this.textAlign === 'right') window.drawn.push({ text, left: x - width })
          return draw.call(this, text, x, y)
        }"""
    )


def drawn(page: Page, label: str) -> bool:
    """Return whether a label that matches the whole expression was drawn."""
    texts: list[str] = page.evaluate("window.drawn.map(({ text }) => text)")
    return any(re.fullmatch(label, text) for text in texts)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_labels_are_whole_and_values_stay_inside_their_cards(
    server: Server, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    page = open_page(server, viewport=viewport)
    watch_labels(page)
    push(server, page.evaluate("Date.now() / 1000"))
    for metric, (value, label) in SHOWN.items():
        chosen = ["pitwall.dashboard.main.metrics", json.dumps([metric])]
        page.evaluate("([key, names]) => localStorage.setItem(key, names)", chosen)
        page.reload()
        card = page.locator(f"[data-metric={metric}]")
        expect(card.locator(".metric-val")).to_have_text(value)
        assert card.evaluate("(one) => one.scrollWidth <= one.clientWidth")
        wait_until(page, lambda label=label: drawn(page, label), what=label)  # type: ignore[misc]
        assert page.evaluate("window.drawn.filter(({ left }) => left < 0)") == []
