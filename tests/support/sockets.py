"""A WebSocket client for tests: commands and replies, events in order, close codes."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Frame = dict[str, Any]
WITHIN = 5.0


def _with_small_buffer(url: str) -> socket.socket:
    parts = urlsplit(url)
    sock = socket.socket()
    # Before connecting: the window offered at the handshake does not shrink afterwards.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.connect((parts.hostname, parts.port))
    return sock


class SocketClient:
    """An open socket. Frames that were not requested yet wait in `frames`."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: deque[Frame] = deque()
        self._ids = itertools.count(1)

    @classmethod
    async def open(
        cls, url: str, headers: dict[str, str] | None = None, *, slow: bool = False
    ) -> SocketClient:
        """Connect. With `slow`, this side buffers almost nothing, for clients that read late."""
        connection = await connect(
            url,
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=0.5,
            max_queue=1 if slow else 1024,
            sock=_with_small_buffer(url) if slow else None,
        )
        return cls(connection)

    async def command(self, action: str, **fields: Any) -> Frame:
        """Send a command and return its reply: the frame with its id."""
        identifier = next(self._ids)
        await self.send({"action": action, "id": identifier, **fields})
        return await self._find(lambda frame: frame.get("id") == identifier, f"a reply to {action}")

    async def event(self, kind: str, within: float = WITHIN) -> Frame:
        """Return the next frame of this type; keeps the others."""
        return await self._find(lambda frame: frame["type"] == kind, kind, within)

    async def silence(self) -> list[str]:
        """Return the types of all frames before the answer to a ping, except heartbeats."""
        await self.send({"action": "ping"})
        await self.event("pong")
        return [frame["type"] for frame in self.frames if frame["type"] != "heartbeat"]

    async def send(self, frame: Frame) -> None:
        await self.connection.send(json.dumps(frame))

    async def send_text(self, text: str | bytes) -> None:
        """Send a frame unchanged: text for a str, binary for bytes."""
        await self.connection.send(text)

    async def next(self, within: float = WITHIN) -> Frame:
        """Return the next frame of any type."""
        if self.frames:
            return self.frames.popleft()
        return await self._receive(within)

    async def closed(self, within: float = WITHIN) -> int | None:
        """Wait for the server to close; returns the close code, and keeps earlier frames."""
        try:
            async with asyncio.timeout(within):
                while True:
                    self.frames.append(json.loads(await self.connection.recv()))
        except ConnectionClosed:
            return self.connection.close_code

    def say_goodbye(self) -> None:
        """Send a close frame and nothing else: this side keeps the connection open."""
        protocol = self.connection.protocol
        protocol.send_close(1000)
        self.connection.transport.write(b"".join(protocol.data_to_send()))

    async def close(self) -> None:
        await self.connection.close()

    async def _find(self, wanted: Any, what: str, within: float = WITHIN) -> Frame:
        for frame in self.frames:
            if wanted(frame):
                self.frames.remove(frame)
                return frame
        try:
            async with asyncio.timeout(within):
                while True:
                    frame = json.loads(await self.connection.recv())
                    if wanted(frame):
                        return frame
                    self.frames.append(frame)
        except TimeoutError:
            raise AssertionError(f"{what} did not come; there was {list(self.frames)}") from None

    async def _receive(self, within: float) -> Frame:
        async with asyncio.timeout(within):
            frame: Frame = json.loads(await self.connection.recv())
            return frame
