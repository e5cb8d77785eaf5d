"""Fixtures of the tests against the real server and in a real browser."""

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
    """Open a page in a browser context of its own."""

    def __call__(
        self,
        server: Server,
        *,
        user: str | None = "alice",
        viewport: dict[str, int] = DESKTOP,
        theme: str = "light",
        touch: bool = False,
    ) -> Page:
        """Args:
        user: signed in through the form; None: nobody.
        theme: of the system.
        touch: whether the device has a touch screen.
        """
        ...


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The embedded server, shared by the tests that leave it running."""
    with servers.embedded(tmp_path_factory.mktemp("embedded")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """An embedded server that the test may stop, restart or fill."""
    with servers.embedded(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def production_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two web processes and separate workers on PostgreSQL and Redis."""
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        pytest.fail("needs PostgreSQL and Redis: run it with `make e2e`")
    with servers.production(tmp_path_factory.mktemp("production")) as running:
        yield running


@pytest.fixture(
    params=["embedded", pytest.param("production", marks=pytest.mark.services)],
)
def any_server(request: pytest.FixtureRequest) -> Server:
    """Both ways to run Pitwall, one after the other."""
    names = {"embedded": "server", "production": "production_server"}
    running: Server = request.getfixturevalue(names[request.param])
    return running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright, launched(playwright) as running:
        yield running


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Whatever the browser complains about fails the test, unless the test expects it."""
    collected = Complaints()
    yield collected
    assert collected.unexpected() == []


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[OpenPage]:
    """Opens pages, each in a context of its own: no cookie is shared."""
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
    """Runs socket clients."""
    background = BackgroundLoop()
    yield background
    background.close()
