"""Publishes ticks on the load client's commands, in the event loop of the server under test.

Datagrams: `S rate:10 1` start (ten a second) when one client has sent it, `S win:64 2` start (64 in
flight) when two have, `A 17` every subscriber of this client has tick 17, `X` stop, answered with
`D <number of ticks>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

Send = Callable[[int, float], Awaitable[None]]


class Publisher(asyncio.DatagramProtocol):
    """Calls `send(number, seconds since 1970)` for every due tick."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._transport: asyncio.DatagramTransport | None = None
        self._running: asyncio.Task[None] | None = None
        # The newest tick that each load client has acknowledged, by its address.
        self._acknowledged: dict[tuple[str, int], int] = {}
        self._progress = asyncio.Event()
        self._published = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is a DatagramTransport in everything but its class.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        command, *arguments = data.decode().split()
        if command == "S":
            self._join(address, arguments[0], int(arguments[1]))
        elif command == "A":
            self._acknowledge(address, int(arguments[0]))
        elif command == "X":
            self._stop()
            self._acknowledged.clear()
            assert self._transport is not None
            self._transport.sendto(f"D {self._published}".encode(), address)

    def _join(self, address: tuple[str, int], mode: str, clients: int) -> None:
        self._acknowledged[address] = -1
        if len(self._acknowledged) == clients:
            self._start(mode)

    def _acknowledge(self, address: tuple[str, int], number: int) -> None:
        if address in self._acknowledged:  # late ones come after a stop
            self._acknowledged[address] = max(self._acknowledged[address], number)
            self._progress.set()

    def _start(self, mode: str) -> None:
        self._stop()
        self._published = 0
        kind, _, amount = mode.partition(":")
        run = self._at_rate(float(amount)) if kind == "rate" else self._in_flight(int(amount))
        self._running = asyncio.get_running_loop().create_task(run)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None

    async def _at_rate(self, per_second: float) -> None:
        due = time.monotonic()
        while True:
            await self._publish()
            # A server that cannot keep up publishes as fast as it can.
            due = max(due + 1 / per_second, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _in_flight(self, width: int) -> None:
        while True:
            while self._published - min(self._acknowledged.values()) <= width:
                await self._publish()
            self._progress.clear()
            await self._progress.wait()

    async def _publish(self) -> None:
        number, self._published = self._published, self._published + 1
        await self._send(number, time.time())


@contextlib.asynccontextmanager
async def publishing(port: int, send: Send) -> AsyncIterator[None]:
    """Listen for the load client on this UDP port of 127.0.0.1."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Publisher(send), local_addr=("127.0.0.1", port)
    )
    try:
        yield
    finally:
        transport.close()
