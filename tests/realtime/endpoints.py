"""An endpoint without a domain, for tests of the real-time layer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.urls import path

from realtime.auth import Credentials, Principal
from realtime.consumers import RealtimeConsumer, on
from realtime.database import threads
from realtime.errors import NotFound
from realtime.fanout import latest
from realtime.http.health import Health
from realtime.presence import store
from realtime.protocol import Command, Event, Position
from realtime.server.lifespan import Lifespan
from realtime.sessions import directory
from realtime.sockets.upgrade import Upgrade
from realtime.streams.log import StreamKey
from tests.realtime.ledger import LedgerConsumer


class Note(Event, tag="note"):
    text: str


class Subscribe(Command, tag="subscribe"):
    """Client libraries repeat `streams` by themselves when they reconnect."""

    logs: list[str] = []
    streams: list[str] = []
    names: list[str] = []
    books: list[str] = []
    recover: dict[str, Position] = {}


class Unsubscribe(Command, tag="unsubscribe"):
    names: list[str] = []
    logs: list[str] = []
    books: list[str] = []


class Enter(Command, tag="enter"):
    scope: str


class Leave(Command, tag="leave"):
    scope: str


class Fail(Command, tag="fail"):
    how: str


class Confirmed(Event, tag="subscription_confirmed"):
    positions: dict[str, Any]


def render(payload: dict[str, Any], selection: frozenset[str]) -> bytes | None:
    chosen = {name: value for name, value in payload.items() if name in selection}
    return msgspec.json.encode({"type": "tick", "values": chosen}) if chosen else None


@dataclass(frozen=True)
class Chosen:
    """A selection of values by name."""

    names: frozenset[str]

    def frames(self, payload: dict[str, Any]) -> list[bytes]:
        # Looked up at each call, so that tests can count the calls.
        frame = render(payload, self.names)
        return [] if frame is None else [frame]


VALUES = "values"
latest.register(VALUES, lambda older, newer: older | newer)


class ProbeConsumer(RealtimeConsumer):
    """Log streams and books by name, and one latest stream whose selection is a set of names.

    `before_reply` is awaited between following and confirming: tests make things happen there.
    """

    before_reply: ClassVar[Callable[[RealtimeConsumer], Awaitable[None]] | None] = None

    @on(Subscribe)
    async def subscribe(self, command: Subscribe) -> Confirmed:
        names = (*command.logs, *command.streams)
        keys = [StreamKey(self.principal.workspace_id, name) for name in names]
        followed = await self.follow_logs(keys, command.recover)
        if command.names:
            key = StreamKey(self.principal.workspace_id, VALUES)
            await self.follow_latest(key, Chosen(frozenset(command.names)))
        for name in command.books:
            await self.follow_book(StreamKey(self.principal.workspace_id, name))
        if self.before_reply is not None:
            await self.before_reply()
        return Confirmed(positions=followed.positions)

    @on(Unsubscribe)
    async def unsubscribe(self, command: Unsubscribe) -> Confirmed:
        for name in command.logs:
            await self.unfollow_log(StreamKey(self.principal.workspace_id, name))
        for name in command.books:
            await self.unfollow_book(StreamKey(self.principal.workspace_id, name))
        if command.names:
            await self.unfollow_latest(StreamKey(self.principal.workspace_id, VALUES))
        return Confirmed(positions={})

    @on(Enter)
    async def enter_scope(self, command: Enter) -> Confirmed:
        self.enter(command.scope)
        return Confirmed(positions={})

    @on(Leave)
    async def leave_scope(self, command: Leave) -> Confirmed:
        self.leave(command.scope)
        return Confirmed(positions={})

    async def requested_data(self, request: str) -> Any:
        """Return client ids or user ids.

        `connections`: client ids in the registry; `skipping`: those that missed values;
        `present:<scope>`: user ids.
        """
        kind, _, scope = request.partition(":")
        if kind in ("connections", "skipping"):
            found = await threads.call(directory.connections)
            return [r.client_id for r in found if r.skipped or kind == "connections"]
        if kind == "present":
            return await threads.call(store.present, self.principal.workspace_id, scope)
        return await super().requested_data(request)

    @on(Fail)
    async def fail(self, command: Fail) -> None:
        if command.how == "known":
            raise NotFound("There is no such thing.", errors={"how": ["unknown"]})
        raise ZeroDivisionError("a bug")


revoked: set[str] = set()


def authenticate(credentials: Credentials) -> Principal | None:
    """Accept the bearer "name@workspace_id", or the same as a session key."""
    shown = credentials.bearer or credentials.session_key or ""
    name, _, workspace = shown.partition("@")
    if not workspace.isdigit() or shown in revoked:
        return None
    return Principal(
        user_id=sum(name.encode()),
        username=name,
        is_staff=False,
        workspace_id=int(workspace),
        workspace=f"w{workspace}",
        role="member",
        session_key=credentials.session_key,
    )


def authenticate_sessions(shown: Sequence[Credentials]) -> list[Principal | None]:
    return [authenticate(credentials) for credentials in shown]


# Changed principals by username; all others are unchanged.
became: dict[str, Principal | None] = {}


def recheck(principals: Sequence[Principal]) -> dict[Principal, Principal | None]:
    return {principal: became.get(principal.username, principal) for principal in principals}


def touch(principals: Sequence[Principal]) -> None:
    """Do nothing: presence is not tracked here."""


application = ProtocolTypeRouter(
    {
        "http": Health(ASGIHandler()),
        "websocket": Upgrade(
            URLRouter(
                [
                    path("ws/probe/", ProbeConsumer.as_asgi()),
                    path("ws/ledger/", LedgerConsumer.as_asgi()),
                ]
            )
        ),
        "lifespan": Lifespan(),
    }
)
