"""Fixtures for all tests. Their environment is set up in tests/settings.py."""

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlencode

import polib
import pytest
import pytest_asyncio
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from realtime.database import threads
from tests.support.documented import DocumentedClient
from tests.support.server import serving
from tests.support.sockets import SocketClient
from tools import messages

Connect = Callable[..., Awaitable[SocketClient]]
Api = Callable[..., APIClient]


@pytest.fixture(autouse=True, scope="session")
def fast_passwords() -> None:
    """Use a fast password hasher: the real one is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def compiled_translations() -> None:
    """Compile the catalogue as it is now."""
    source, compiled = messages.CATALOGUE, messages.CATALOGUE.with_suffix(".mo")
    if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
        polib.pofile(str(source)).save_as_mofile(str(compiled))


@pytest.fixture(autouse=True)
def idle_service_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Truncate tables only when no service thread holds a transaction on them any more."""
    marker = request.node.get_closest_marker("django_db")
    transactional = marker is not None and marker.kwargs.get("transaction")
    if not transactional and "transactional_db" not in request.fixturenames:
        yield
        return
    # Set up first, so it is torn down last.
    request.getfixturevalue("transactional_db")
    yield
    if not threads._pool.cache_info().currsize:
        return
    together = threading.Barrier(settings.SERVICE_THREADS)
    waiting = [threads._pool().submit(together.wait, 30) for _ in range(settings.SERVICE_THREADS)]
    for future in waiting:
        future.result()


@pytest_asyncio.fixture
async def server(transactional_db: None) -> AsyncIterator[str]:
    """Serve the whole application on our own server; yields its address as host:port."""
    from realtime_project.asgi import application

    async with serving(application) as address:
        yield address


@pytest_asyncio.fixture
async def connect(server: str) -> AsyncIterator[Connect]:
    """`await connect(path, user=…)` opens a socket of that user's browser, or of a program.

    `user` logs in with a session cookie; `token` goes into the Authorization header; further
    keyword arguments become the query string.
    """
    async with AsyncExitStack() as stack:

        async def opened(
            path: str = "/ws/dashboard/",
            *,
            user: Any = None,
            token: str | None = None,
            headers: dict[str, str] | None = None,
            **query: str,
        ) -> SocketClient:
            headers = dict(headers or {})
            if user is not None:
                key = await threads.call(session_key_of, user)
                cookie = f"{settings.SESSION_COOKIE_NAME}={key}"
                headers["Cookie"] = "; ".join(filter(None, [headers.get("Cookie"), cookie]))
                headers.setdefault("Origin", f"http://{server}")
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            question = f"?{urlencode(query)}" if query else ""
            client = await SocketClient.open(f"ws://{server}{path}{question}", headers)
            stack.push_async_callback(client.close)
            return client

        yield opened


@pytest.fixture
def api() -> Api:
    """`api(user)` returns a REST client signed in as `user`; it checks the API's document."""

    def signed_in(user: Any) -> APIClient:
        client = DocumentedClient()
        client.force_login(user)
        return client

    return signed_in


def session_key_of(user: Any) -> str:
    """Log `user` in as the login page does; returns the key of the session cookie."""
    browser = Client()
    browser.force_login(user)
    return browser.session.session_key or ""
