"""The Python client against the whole application, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from pitwall_client import Client, State, Token

from accounts import selectors, services
from accounts.models import User
from realtime.database import threads
from tests.support.rooms import Team

Opened = Callable[..., Awaitable[Client]]
DEADLINE = 10.0


@pytest.fixture
def team(transactional_db: None, tmp_path: Any, settings: Any) -> Team:
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return Team()


@pytest_asyncio.fixture
async def pitwall(server: str) -> AsyncIterator[Opened]:
    """`await pitwall(user, path)`: an open client of that user, with a token of its own."""
    async with AsyncExitStack() as stack:

        async def opened(user: User, path: str = "/ws/chat/", **options: Any) -> Client:
            options.setdefault("credentials", Token(await threads.call(token_of, user)))
            client = Client(f"ws://{server}{path}", uniform=lambda low, high: low, **options)
            return await stack.enter_async_context(client)

        yield opened


def token_of(user: User) -> str:
    """A new API token of `user` for their default workspace."""
    principal = selectors.principal_of(user, None)
    return services.create_token(
        user_id=user.pk, workspace_id=principal.workspace_id, name="program"
    )[1]


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds, for as long as a test may take."""
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.01)


async def cut(client: Client, meanwhile: Callable[[], object] | None = None) -> None:
    """Break the connection without a word; returns once the client has another.

    `meanwhile` is called in a service thread before the client can be back.
    """
    before, socket = client.client_id, client._socket
    assert socket is not None
    if meanwhile is not None:
        # The event loop does not run during it, and so neither does the client.
        await asyncio.wait_for(_away(socket, meanwhile), DEADLINE)
    else:
        socket.transport.abort()
    await until(lambda: client.state is State.LIVE and client.client_id not in (None, before))


async def _away(socket: Any, meanwhile: Callable[[], object]) -> None:
    socket.transport.pause_reading()
    await threads.call(meanwhile)
    socket.transport.abort()
