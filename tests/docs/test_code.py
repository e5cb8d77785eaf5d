"""The Python of docs/protocol/: run, and put to the test."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from typing import Any

from realtime.database import threads
from tests.conftest import Connect
from tests.docs import pages
from tests.docs.world import World
from tests.support.sockets import SocketClient
from tools.lifetimes import tied

README, RESUMING = (
    re.search(r"^```python\n(.*?)^```", (pages.FOLDER / name).read_text(), re.M | re.S)
    for name in ("README.md", "resuming.md")
)


async def test_the_first_program_prints_the_next_value(server: str) -> None:
    assert README
    world = await threads.call(World)
    program = await asyncio.create_subprocess_exec(
        *tied([sys.executable, "-c", README[1]]),
        env=os.environ | {"PITWALL": server, "TOKEN": world.token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    ended = asyncio.create_task(program.communicate())
    async with asyncio.timeout(20):
        # It sees the values that come once it has subscribed.
        while not (await asyncio.wait({ended}, timeout=0.1))[0]:
            await threads.call(world.cpu_ticks)
    assert ended.result() == (b"13.1\n", b"")


class Client:
    """A client of one room that runs the page's function, over connections that break."""

    def __init__(self, connect: Connect, world: World) -> None:
        assert RESUMING
        self.seen: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.names: dict[str, Any] = {
            "positions": {},
            "SNAPSHOTS": {"room_snapshot", "initial_data"},
            "send": lambda action, **fields: self.asked.append({"action": action, **fields}),
            "apply": self._apply,
        }
        exec(RESUMING[1], self.names)
        self._connect, self._world = connect, world
        self._socket: SocketClient | None = None

    def _apply(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "room_snapshot":
            self.seen = [message["message"] for message in frame["data"]]
        elif frame["type"] == "chat_message":
            self.seen.append(frame["message"])

    async def connect(self) -> None:
        self._socket = await self._connect("/ws/chat/", user=self._world.people["alice"])
        if positions := self.names["positions"]:
            self.asked = [{"action": "subscribe", "recover": positions}]
        else:
            self.asked = [{"action": "subscribe", "rooms": ["ops"]}]

    async def read(self, wanted: str, *, lose: bool = False) -> None:
        """Take what the server sends, up to this type of frame or text of a message.

        With `lose`, the client never sees that last frame.
        """
        assert self._socket is not None
        while True:
            for command in self.asked:
                await self._socket.send(command)
            self.asked.clear()
            frame = await self._socket.next()
            found = wanted in (frame["type"], frame.get("message"))
            if not (found and lose):
                self.names["receive"](frame)
            if found and not self.asked:
                return

    async def break_off(self) -> None:
        assert self._socket is not None
        await self._socket.close()


async def test_the_function_of_the_page_misses_nothing_and_repeats_nothing(
    connect: Connect,
) -> None:
    world = await threads.call(World)
    client = Client(connect, world)
    await client.connect()
    await client.read("room_snapshot")

    async def said(text: str) -> None:
        await threads.call(world.say, "bob", "ops", text)

    await said("one")
    await client.read("one")
    await client.break_off()
    await said("two")
    await client.connect()
    await client.read("two")
    # A frame is lost on the way: the next one shows it.
    await said("three")
    await client.read("three", lose=True)
    await said("four")
    await client.read("four")
    # Nothing follows the lost frame: the heartbeat shows it.
    await said("five")
    await client.read("five", lose=True)
    place = client.names["positions"]["room:ops"]
    client.names["receive"](
        {"type": "heartbeat", "offsets": {"room:ops": place["offset"] + 1, "room:other": 7}}
    )
    await client.read("five")
    assert client.seen == ["Box in 3 laps", "one", "two", "three", "four", "five"]


async def test_the_function_of_the_page_takes_every_snapshot(connect: Connect) -> None:
    world = await threads.call(World)
    client = Client(connect, world)
    await client.connect()
    await client.read("room_snapshot")
    # As after a restored backup: another epoch, in which the client was further.
    client.names["positions"]["room:ops"] = {"epoch": "another", "offset": 10_000}
    await client.connect()
    await client.read("room_snapshot")
    place = client.names["positions"]["room:ops"]
    assert (place["epoch"] != "another", place["offset"] < 10_000) == (True, True)
    await threads.call(world.say, "bob", "ops", "after the restore")
    await client.read("after the restore")
    assert client.seen == ["Box in 3 laps", "after the restore"]
