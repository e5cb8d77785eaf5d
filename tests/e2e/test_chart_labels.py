"""Numbers of any size on the dashboard."""

import json
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from . import servers
from .browser import PHONE
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e

METRICS = {
    "close_together": [67432, 67433, 67434, 67435, 67436],
    "hundred_millionths": [1.00000001, 1.00000002, 1.00000003],
    "googol": [1e200, 2e200],
    "eurusd": [1.0855, 1.0861],
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


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE])
def test_labels_are_whole_and_values_stay_inside_their_cards(
    server: Server, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    page = open_page(server, viewport=viewport)
    watch_labels(page)
    push(server, page.evaluate("Date.now() / 1000"))
    chosen = ["pitwall.dashboard.main.metrics", json.dumps([*METRICS])]
    page.evaluate("([key, names]) => localStorage.setItem(key, names)", chosen)
    page.reload()
    value = page.locator("[data-metric=eurusd] .metric-val")
    expect(value).to_have_text("1.0861")
    expect(page.locator("[data-metric=googol] .metric-val")).to_have_text("2e200")
    for name in METRICS:
        card = page.locator(f"[data-metric={name}]")
        inside = card.evaluate("(one) => one.scrollWidth <= one.clientWidth")
        assert inside, name
    page.wait_for_function("window.drawn.some(({ text }) => text === '67,434')")
    page.wait_for_function("window.drawn.some(({ text }) => /^\\d(\\.\\d)?e200$/.test(text))")
    page.wait_for_function("window.drawn.some(({ text }) => text.startsWith('1.00000002'))")
    assert page.evaluate("window.drawn.filter(({ left }) => left < 0)") == []
