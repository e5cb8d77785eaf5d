"""Fixtures of the notification tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from accounts.models import Role, User, Workspace
from accounts.selectors import principal_of
from notifications import kinds, services
from notifications.models import Notification
from realtime.auth import Principal
from realtime.database import threads
from tests.support.people import make_member, make_workspace
from tests.support.sockets import SocketClient

Inbox = Callable[..., Awaitable[SocketClient]]


class Team:
    """A workspace with an admin and two members."""

    def __init__(self) -> None:
        self.workspace: Workspace = make_workspace()
        self.boss: User = make_member(self.workspace, Role.ADMIN)
        self.ann: User = make_member(self.workspace)
        self.ben: User = make_member(self.workspace)

    def principal(self, user: User) -> Principal:
        return principal_of(user, self.workspace.slug)

    def tell(self, *users: User, title: str = "Box this lap", **fields: Any) -> list[Notification]:
        """Notify these users as the system."""
        return services.notify(
            workspace_id=self.workspace.pk,
            user_ids=[user.pk for user in users],
            title=title,
            **{"kind": kinds.MESSAGE} | fields,
        )


@pytest.fixture
def team(db: None) -> Team:
    return Team()


@pytest.fixture
def live_team(transactional_db: None) -> Team:
    """Create a team in a database that the test's server sees too."""
    return Team()


@pytest.fixture
def inbox(connect: Any) -> Inbox:
    """`await inbox(user)` opens a socket of /ws/notifications/ and reads its greeting."""

    async def opened(user: Any = None, **query: Any) -> SocketClient:
        client: SocketClient = await connect("/ws/notifications/", user=user, **query)
        await client.event("connection_established")
        return client

    return opened


async def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a service alongside the event loop, as the server does."""
    return await threads.call(function, *args, **kwargs)
