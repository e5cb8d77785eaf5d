"""Clients below HTTP and WebSocket libraries: they send any bytes and need not read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

MEGABYTE = 2**20


def upgrade(address: str, path: str = "/ws/probe/", token: str = "alice@1") -> bytes:
    """Return the request of a WebSocket upgrade."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Authorization: Bearer {token}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()


def connected(address: str, *, source: str | None = None, deaf: bool = False) -> socket.socket:
    """Connect; from `source` if given. With `deaf`, this side has room for almost no answer."""
    host, port = address.split(":")
    sock = socket.socket()
    if deaf:
        # Before connecting: the window offered at the handshake does not shrink afterwards.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    if source is not None:
        sock.bind((source, 0))
    sock.settimeout(10)
    sock.connect((host, int(port)))
    return sock


async def pour(sock: socket.socket, data: bytes, total: int, within: float = 20) -> int:
    """Send `data` again and again until `total` bytes are out or nobody takes them any more.

    Returns the bytes that were sent.
    """

    def send() -> int:
        sent, until = 0, time.monotonic() + within
        sock.settimeout(2)
        with contextlib.suppress(OSError):
            while sent < total and time.monotonic() < until:
                sent += sock.send(data)
        return sent

    return await asyncio.to_thread(send)


async def answer(sock: socket.socket, within: float = 10) -> bytes:
    """Return all that the server sends until it closes the connection."""

    def read() -> bytes:
        received = b""
        sock.settimeout(within)
        with contextlib.suppress(ConnectionError):
            while piece := sock.recv(65536):
                received += piece
        return received

    return await asyncio.to_thread(read)


@contextmanager
def grows_by_at_most(megabytes: float) -> Iterator[None]:
    """Fail if this process, in which the server runs too, has grown by more at the end."""
    process = psutil.Process()
    before = process.memory_info().rss
    yield
    grown = (process.memory_info().rss - before) / MEGABYTE
    assert grown <= megabytes, f"the process grew by {grown:.0f} MB"
