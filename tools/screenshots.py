"""Take docs/screenshots from a temporary server: `make screenshots`.

The server first collects for a while, so that the charts show real readings of this machine.
SCREENSHOT_SECONDS sets how long (default: 240).
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

from tests.e2e.browser import DESKTOP, PHONE, launched, sign_in  # noqa: E402
from tests.e2e.chat_page import Api  # noqa: E402
from tests.e2e.servers import Server, embedded  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
VIEWPORTS = {"desktop": DESKTOP, "phone": PHONE}
PAGES = {
    "dashboard": "/dashboards/",
    "chat": "/chat/general/",
    "inbox": "/inbox/",
    "profile": "/accounts/profile/",
}


def main() -> None:
    """Take one picture for each page, size and theme."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pitwall-screenshots-") as folder,
        embedded(Path(folder)) as server,
        sync_playwright() as playwright,
        launched(playwright) as browser,
    ):
        time.sleep(float(os.environ.get("SCREENSHOT_SECONDS", "240")))
        _talk(server)
        for name in _take(browser, server):
            print(name, flush=True)


def _take(browser: Browser, server: Server) -> Iterator[str]:
    for size, viewport in VIEWPORTS.items():
        for theme in ("light", "dark"):
            context = browser.new_context(
                viewport=viewport,  # type: ignore[arg-type]
                color_scheme=theme,  # type: ignore[arg-type]
                device_scale_factor=2 if size == "phone" else 1,
            )
            page = context.new_page()
            page.goto(f"{server.url}/accounts/login/")
            yield _picture(page, f"login-{size}-{theme}")
            sign_in(page, server)
            for name, path in PAGES.items():
                page.goto(server.url + path)
                if name == "dashboard":
                    _wait_for_values(page)
                elif name == "chat":
                    _wait_for_messages(page)
                yield _picture(page, f"{name}-{size}-{theme}")
            context.close()


def _wait_for_values(page: Page) -> None:
    expect(page.locator(".conn")).to_have_attribute("data-state", "live", timeout=15_000)
    # Wait for a few ticks, so that trends and the latency wall have data.
    page.wait_for_timeout(6_000)


def _talk(server: Server) -> None:
    """Post a live card among the messages of a new installation."""
    bob = Api(server, "bob")
    bob.post("rooms/general/messages/", {"text": "Memory while the jobs run, for the record:"})
    card = {"kind": "metric", "reference": "memory_usage"}
    bob.post("rooms/general/messages/", {"card": card})


def _wait_for_messages(page: Page) -> None:
    expect(page.locator("[data-card] .tag.is-ok")).to_be_visible(timeout=15_000)
    page.wait_for_timeout(1_000)


def _picture(page: Page, name: str) -> str:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=FOLDER / f"{name}.png")
    return name


if __name__ == "__main__":
    main()
