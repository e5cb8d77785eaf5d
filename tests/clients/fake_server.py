"""A server that sends exactly what a test tells it to."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from http import HTTPStatus

from pitwall_client import Frame
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

DEADLINE = 5.0


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        assert connection.request is not None
        self.path = connection.request.path
        self.headers = connection.request.headers

    async def established(self, *, user: str | None = "alice", silence: float = 45.0) -> None:
        """Send the frame that every connection starts with."""
        await self.push(
            type="connection_established",
            client_id="c1",
            user={"id": 1, "username": user} if user else None,
            heartbeat_timeout=silence,
        )

    async def push(self, **frame: object) -> None:
        await self.connection.send(json.dumps(frame))

    async def command(self, action: str) -> Frame:
        """Return the client's next command, which must have this action."""
        async with asyncio.timeout(DEADLINE):
            frame: Frame = json.loads(await self.connection.recv())
        assert frame["action"] == action
        return frame

    async def answer(self, action: str, **reply: object) -> Frame:
        """Read the next command and answer it."""
        frame = await self.command(action)
        await self.push(id=frame["id"], **reply)
        return frame

    async def close(self, code: int, reason: str = "") -> None:
        await self.connection.close(code, reason)


class FakeServer:
    """Connections in the order of their arrival.

    `refuse_with` answers upgrades with an HTTP error, with `retry_after` as its header.
    """

    def __init__(self) -> None:
        self.url = ""
        self.refuse_with: HTTPStatus | None = None
        self.retry_after: str | None = None
        self.upgrades = 0
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._server: Server | None = None

    async def peer(self) -> Peer:
        """Return the next connection."""
        async with asyncio.timeout(DEADLINE):
            return await self._peers.get()

    async def _handle(self, connection: ServerConnection) -> None:
        await self._peers.put(Peer(connection))
        await connection.wait_closed()

    async def _upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        self.upgrades += 1
        if self.refuse_with is None:
            return None
        response = connection.respond(self.refuse_with, "")
        if self.retry_after is not None:
            response.headers["Retry-After"] = self.retry_after
        return response

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls) -> AsyncIterator["FakeServer"]:
        fake = cls()
        async with serve(
            fake._handle, "127.0.0.1", 0, process_request=fake._upgrade, close_timeout=1
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            fake.url = f"ws://127.0.0.1:{port}/ws/dashboard/"
            yield fake
