"""A real browser; its errors and warnings fail the test."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    WebSocket,
    expect,
)

from .servers import DEMO_PASSWORD, ROOT, Server

# The last three keep Chromium from contacting Google's servers at every start.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1440, "height": 900}
LAPTOP = {"width": 1024, "height": 768}
PHONE = {"width": 390, "height": 844}
REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error('policy violation: ' + event.violatedDirective + ' ' + event.blockedURI))
"""
SERIOUS = ("serious", "critical")
# Seconds for waits whose duration is not under test: both cores may be busy.
PATIENCE = 30.0
expect.set_options(timeout=PATIENCE * 1000)


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """Start a headless Chromium, installing Debian's if there is none."""
    finder = [sys.executable, str(ROOT / "tools" / "browser.py")]
    path = subprocess.run(finder, check=True, capture_output=True, text=True).stdout.strip()
    browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), headless=True)
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Complaints:
    """Console errors, uncaught exceptions and policy violations of one test's pages."""

    seen: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """Accept complaints that match a regular expression, because the test provokes them."""
        self._expected.append(pattern)

    def unexpected(self) -> list[str]:
        """Return the complaints that no pattern expects."""
        return [
            text
            for text in self.seen
            if not any(re.search(pattern, text) for pattern in self._expected)
        ]

    def listen(self, context: BrowserContext) -> None:
        """Collect complaints from every page of a browser context."""
        context.on(
            "console",
            lambda message: (
                self.seen.append(f"console {message.type}: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        context.on("weberror", lambda error: self.seen.append(f"exception: {error.error}"))
        # Violations of a report-only policy reach the console only in this way.
        context.add_init_script(REPORT_VIOLATIONS)


@dataclass
class Frames:
    """The WebSocket frames of a page, as text, in order."""

    received: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, page: Page) -> "Frames":
        """Record every socket that `page` opens from now on."""
        frames = cls()

        def record(socket: WebSocket) -> None:
            socket.on("framereceived", lambda data: frames.received.append(str(data)))
            socket.on("framesent", lambda data: frames.sent.append(str(data)))

        page.on("websocket", record)
        return frames

    def newest(self, kind: str, part: str) -> str | None:
        """Return the last received frame of a type that contains `part`."""
        for frame in reversed(self.received):
            if part in frame and f'"type":"{kind}"' in frame.replace(" ", ""):
                return frame
        return None

    def count(self, kind: str) -> int:
        """Return how many frames of a type were received."""
        return sum(f'"type":"{kind}"' in frame.replace(" ", "") for frame in self.received)


def sign_in(page: Page, server: Server, username: str = "alice", password: str = "") -> None:
    """Sign in through the form, and land on the dashboard."""
    page.goto(f"{server.url}/accounts/login/")
    page.get_by_label("Username").fill(username)
    page.locator("input[name=password]").fill(password or DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.url}/dashboards/**")


def wait_until(
    page: Page, condition: Callable[[], bool], *, within: float = PATIENCE, what: str
) -> None:
    """Let the page run until `condition` holds.

    Raises:
        AssertionError: it did not hold within `within` seconds; `what` names it.
    """
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        page.wait_for_timeout(50)


def accessibility_violations(page: Page) -> list[str]:
    """Return the accessibility violations with serious or critical impact, one line each."""
    results = cast(dict[str, Any], Axe().run(page).response)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]}"
        for violation in results["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
