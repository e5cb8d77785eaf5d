"""Fixtures for tests against the real server, in a real browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from . import servers
from .browser import DESKTOP, Complaints, launched, sign_in
from .loop import BackgroundLoop
from .servers import Server


class OpenPage(Protocol):
    """Opens a page in its own browser context."""

    def __call__(
        self,
        server: Server,
        *,
        user: str | None = "alice",
        viewport: dict[str, int] = DESKTOP,
        theme: str = "light",
        touch: bool = False,
    ) -> Page:
        """Open a page.

        Args:
            user: signed in through the form; None for nobody.
            theme: the system's theme.
            touch: whether the device has a touch screen.
        """
        ...


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the embedded server, shared by the tests that leave it running."""
    with servers.embedded(tmp_path_factory.mktemp("embedded")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """Run an embedded server that the test may stop, restart or fill."""
    with servers.embedded(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def production_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run two web processes and separate workers on PostgreSQL and Redis."""
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        pytest.fail("needs PostgreSQL and Redis: run it with `make e2e`")
    with servers.production(tmp_path_factory.mktemp("production")) as running:
        yield running


@pytest.fixture(
    params=["embedded", pytest.param("production", marks=pytest.mark.services)],
)
def any_server(request: pytest.FixtureRequest) -> Server:
    """Run the test in both deployments."""
    names = {"embedded": "server", "production": "production_server"}
    running: Server = request.getfixturevalue(names[request.param])
    return running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once for all tests."""
    with sync_playwright() as playwright, launched(playwright) as running:
        yield running


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Fail the test on browser complaints, unless the test expects them."""
    collected = Complaints()
    yield collected
    assert collected.unexpected() == []


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[OpenPage]:
    """Yield a function that opens pages, each in its own context without shared cookies."""
    contexts = []

    def open_(
        server: Server,
        *,
        user: str | None = "alice",
        viewport: dict[str, int] = DESKTOP,
        theme: str = "light",
        touch: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport=viewport,  # type: ignore[arg-type]
            color_scheme=theme,  # type: ignore[arg-type]
            has_touch=touch,
        )
        contexts.append(context)
        complaints.listen(context)
        page = context.new_page()
        if user is not None:
            sign_in(page, server, user)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def loop() -> Iterator[BackgroundLoop]:
    """Run an event loop for socket clients."""
    background = BackgroundLoop()
    yield background
    background.close()
