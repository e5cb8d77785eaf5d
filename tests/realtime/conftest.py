"""The probe endpoint behind a real server, with tokens of the form name@workspace_id."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from realtime.auth import authenticator, rechecker, session_authenticator
from tests.realtime import endpoints
from tests.support.server import serving
from tests.support.sockets import SocketClient

Probe = Callable[..., Awaitable[SocketClient]]


@pytest.fixture
def limits(settings: Any) -> dict[str, float]:
    """Return the test's own copy of the limits."""
    settings.REALTIME_LIMITS = dict(settings.REALTIME_LIMITS)
    return settings.REALTIME_LIMITS


@pytest.fixture
def probe_authentication(transactional_db: None, settings: Any) -> Iterator[None]:
    """Accept any token of the form name@workspace_id."""
    settings.REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
    settings.REALTIME_AUTHENTICATE_SESSIONS = "tests.realtime.endpoints.authenticate_sessions"
    settings.REALTIME_RECHECK = "tests.realtime.endpoints.recheck"
    settings.REALTIME_TOUCH = "tests.realtime.endpoints.authenticate"
    authenticator.cache_clear()
    rechecker.cache_clear()
    session_authenticator.cache_clear()
    yield
    authenticator.cache_clear()
    rechecker.cache_clear()
    session_authenticator.cache_clear()


@pytest_asyncio.fixture
async def probe_server(probe_authentication: None) -> AsyncIterator[str]:
    async with serving(endpoints.application) as address:
        yield address


@pytest_asyncio.fixture
async def probe(probe_server: str) -> AsyncIterator[Probe]:
    """`await probe("alice@1")` opens a probe socket; without a token, anonymously."""
    async with AsyncExitStack() as stack:

        async def opened(
            token: str | None = None, *, slow: bool = False, query: str = "", **headers: str
        ) -> SocketClient:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if token is not None:
                sent["Authorization"] = f"Bearer {token}"
            url = f"ws://{probe_server}/ws/probe/{query}"
            client = await SocketClient.open(url, sent, slow=slow)
            stack.push_async_callback(client.close)
            return client

        yield opened
