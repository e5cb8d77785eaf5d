"""Clients that send chat messages, in separate processes.

    python -m benchmarks.support.senders '{"url": …}'     (a `Sending` as JSON)

Each connection keeps some messages in flight and sends the next one when one is acknowledged.
Prints {"acknowledged", "seconds", "refused"} as JSON: measured after the warm-up.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.support.processes import ROOT
from tools.lifetimes import tied

TEXT = "The tyres are gone after lap 23, box this lap please, and tell the crew: it is two wide."


@dataclass(frozen=True)
class Sending:
    """Parameters of the senders.

    Attributes:
        cookies: one for each connection, or empty.
        rooms: connection n writes to the n-th of them, modulo their number.
        in_flight: maximum number of unacknowledged messages of each connection.
    """

    url: str
    rooms: list[str]
    connections: int
    seconds: float
    warm_up: float = 1.0
    in_flight: int = 2
    cookies: list[str] = field(default_factory=list)


def send_from_processes(sending: Sending, processes: int) -> float:
    """Send from several processes. Returns the acknowledged messages a second of all together.

    Raises:
        RuntimeError: a message was refused.
    """
    parts = [_part(sending, number, processes) for number in range(processes)]
    with ExitStack() as stack:
        running = [stack.enter_context(_started(part)) for part in parts]
        results = [json.loads(process.communicate()[0]) for process in running]
    if refused := [result["refused"] for result in results if result["refused"]]:
        raise RuntimeError(f"Messages were refused: {refused[0]}")
    return sum(result["acknowledged"] / result["seconds"] for result in results)


@contextmanager
def _started(sending: Sending) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.support.senders", json.dumps(asdict(sending))]
    with subprocess.Popen(tied(command), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _part(sending: Sending, number: int, processes: int) -> Sending:
    mine = range(number, sending.connections, processes)
    return replace(
        sending,
        connections=len(mine),
        rooms=[sending.rooms[n % len(sending.rooms)] for n in mine],
        cookies=[sending.cookies[n % len(sending.cookies)] for n in mine if sending.cookies],
    )


class _Count:
    acknowledged = 0
    refused: str | None = None


async def _run(sending: Sending) -> dict[str, object]:
    count = _Count()
    async with AsyncExitStack() as stack:
        talking = []
        for number in range(sending.connections):
            headers = {"Cookie": sending.cookies[number]} if sending.cookies else {}
            socket = await stack.enter_async_context(
                connect(sending.url, additional_headers=headers, compression=None)
            )
            talking.append(asyncio.create_task(_talk(socket, sending, number, count)))
        await asyncio.sleep(sending.warm_up)
        before, began = count.acknowledged, time.monotonic()
        await asyncio.sleep(sending.seconds)
        acknowledged, seconds = count.acknowledged - before, time.monotonic() - began
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
    return {"acknowledged": acknowledged, "seconds": seconds, "refused": count.refused}


async def _talk(socket: ClientConnection, sending: Sending, number: int, count: _Count) -> None:
    room = sending.rooms[number % len(sending.rooms)]
    for command_id in range(sending.in_flight):
        await socket.send(_frame(room, command_id))
    async for text in socket:
        frame = json.loads(text)
        if frame["type"] == "ack":
            count.acknowledged += 1
            await socket.send(_frame(room, frame["id"]))
        elif frame["type"] == "error":
            count.refused = str(frame)


def _frame(room: str, command_id: int) -> str:
    return json.dumps(
        {
            "action": "send_message",
            "id": command_id,
            "room": room,
            "text": TEXT,
        }
    )


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(Sending(**json.loads(sys.argv[1]))))))
