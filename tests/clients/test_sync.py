"""The client for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest
from pitwall_client import AuthenticationError, CommandError, ConnectionClosedError, State, Token
from pitwall_client.sync import Client

from realtime.database import threads
from tests.support.rooms import Team

from .conftest import token_of

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")


async def script(main: Callable[[], T]) -> T:
    """Run a program without an event loop beside the server."""
    async with asyncio.timeout(20):
        return await asyncio.to_thread(main)


@pytest.fixture
def url(server: str) -> str:
    return f"ws://{server}/ws/chat/"


async def test_a_script_sends_commands_and_reads_events_in_order(url: str, team: Team) -> None:
    token = Token(await threads.call(token_of, team.alice))

    def main() -> list[str]:
        with Client(url, token) as client:
            client.command("subscribe", rooms=["ops"])
            for text in ("one", "two"):
                client.command("send_message", room="ops", message=text)
            assert client.event("chat_message", message="two")
            return [event["type"] for event in client.events(within=0.3)]

    assert "chat_message" in await script(main)


async def test_a_refused_command_raises_in_the_script(url: str, team: Team) -> None:
    token = Token(await threads.call(token_of, team.alice))

    def main() -> None:
        with Client(url, token) as client:
            with pytest.raises(CommandError):
                client.command("subscribe", rooms=["nowhere"])
            with pytest.raises(TimeoutError):
                client.event("never", within=0.01)
            assert client.command("ping")["type"] == "pong"

    await script(main)


async def test_the_thread_ends_with_the_client_also_if_it_was_not_let_in(
    url: str, team: Team
) -> None:
    token = Token(await threads.call(token_of, team.alice))

    def main() -> None:
        before = threading.active_count()
        with pytest.raises(AuthenticationError), Client(url, Token("wrong")):
            pass
        with pytest.raises(ZeroDivisionError), Client(url, token) as client:
            _ = 1 / 0
        assert client.state is State.CLOSED
        assert threading.active_count() == before

    await script(main)


async def test_a_client_that_is_not_open_says_so_at_once(url: str, team: Team) -> None:
    token = Token(await threads.call(token_of, team.alice))

    def main() -> None:
        client = Client(url, token)
        for _ in range(2):
            with pytest.raises(ConnectionClosedError, match="not open"):
                client.command("ping")
            with pytest.raises(ConnectionClosedError, match="not open"):
                next(iter(client))
            if client.state is not State.CLOSED:
                with client:
                    client.command("ping")

    await script(main)
