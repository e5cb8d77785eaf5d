"""A small user of log streams: the user's own account from connect on, shared books by name.

Trading will follow `orders` in this way, and dashboards `alerts`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from realtime import messages
from realtime.consumers import RealtimeConsumer, on
from realtime.protocol import Command, ConfirmedPosition, Event, Position
from realtime.sockets.following import FollowedLogs
from realtime.streams.log import StreamKey


class Subscribe(Command, tag="subscribe"):
    books: list[str] = []
    recover: dict[str, Position] = {}


class Confirmed(Event, tag="subscription_confirmed"):
    positions: dict[str, ConfirmedPosition]


class Snapshot(Event, tag="ledger_snapshot"):
    stream: str
    offset: int


class Entry(Event, tag="entry"):
    text: str


def account(workspace_id: int, user_id: int) -> StreamKey:
    return StreamKey(workspace_id, "account", user_id)


def book(workspace_id: int, name: str) -> StreamKey:
    return StreamKey(workspace_id, f"book:{name}")


class LedgerConsumer(RealtimeConsumer):
    """Awaits `before_snapshot` once logs are followed, so that tests can interfere there."""

    before_snapshot: ClassVar[Callable[[], Awaitable[None]] | None] = None

    async def connected(self) -> None:
        own = account(self.principal.workspace_id, self.principal.user_id)
        async with self.snapshot_first():
            await self._snapshots(await self.follow_logs([own]))

    @on(messages.Authenticate)
    async def authenticate(self, command: messages.Authenticate) -> None:
        await super().authenticate(command)
        if command.channels:
            await self.subscribe(Subscribe(books=command.channels))

    @on(Subscribe)
    async def subscribe(self, command: Subscribe) -> None:
        workspace_id = self.principal.workspace_id
        keys = [book(workspace_id, name) for name in command.books]
        if "account" in command.recover:
            keys.append(account(workspace_id, self.principal.user_id))
        followed = await self.follow_logs(keys, command.recover)
        if self.before_snapshot is not None:
            await self.before_snapshot()
        await self.reply(Confirmed(positions=followed.positions))
        await self._snapshots(followed)

    async def _snapshots(self, followed: FollowedLogs) -> None:
        for key in followed.without_recovery:
            if self.before_snapshot is not None:
                await self.before_snapshot()
            await self.send_event(Snapshot(stream=key.name, offset=followed.places[key].offset))
