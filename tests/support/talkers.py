"""Users who chat over unreliable connections, and record what they sent and received."""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field

from pitwall_client import (
    Client,
    CommandError,
    ConnectionClosedError,
    ConnectionLostError,
    Token,
)

# With these errors the server reports that nothing happened, or that a retry is safe.
PASSING = frozenset({"rate_limited", "unavailable"})
ANSWER_WITHIN = 10.0
# Share of the messages whose reply is not awaited: the connection breaks right after sending.
BREAKS = 0.02
BREAK_WITHIN = 0.05
# Share of the messages that are sent again after their acknowledgement, as by a forgetful program.
REPEATED = 0.02
# They reconnect sooner than the client would by itself, so that more of them are there at each
# kill.
BACK_WITHIN = 2.0


@dataclass(frozen=True, order=True)
class Place:
    """A message's position, as told to its author, as received, or as stored in the database."""

    sequence: int
    message_id: int
    text: str


class Line(Client):
    """A connection that can break without a close frame."""

    def cut(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()


@dataclass
class Talker:
    """A user, their rooms, and what they observed.

    Attributes:
        heard: messages by room, in order of arrival.
        told: acknowledgements (room, place) by text.
        refused: errors that should not occur.
        retried: number of missing replies.
        answered_late: number of messages that were stored although no reply came.
        repeated: number of messages that were sent again after their acknowledgement.
    """

    name: str
    rooms: list[str]
    line: Line
    heard: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    told: dict[str, list[tuple[str, Place]]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list)
    retried: int = 0
    answered_late: int = 0
    repeated: int = 0
    cuts: int = 0

    @classmethod
    def on(cls, address: str, *, name: str, rooms: list[str], token: str) -> "Talker":
        return cls(name, rooms, Line(address, Token(token), uniform=_soon))

    async def listen(self) -> None:
        async for event in self.line:
            if event["type"] == "chat_message":
                place = Place(event["sequence"], event["message_id"], event["message"])
                self.heard[event["room"]].append(place)

    async def talk(self, messages: int, seconds: float) -> None:
        """Send `messages` messages, spread over the time; returns when all are acknowledged."""
        due = sorted(random.uniform(0, seconds) for _ in range(messages))
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as saying:
            for number, at in enumerate(due):
                await asyncio.sleep(began + at - loop.time())
                saying.create_task(self._say(f"{self.name} says {number}"))

    async def break_now_and_then(self, every: float) -> None:
        while True:
            await asyncio.sleep(random.expovariate(1 / every))
            self._cut()

    async def _say(self, text: str) -> None:
        """Send a message until it is acknowledged, always with the same client id."""
        room = random.choice(self.rooms)
        wanted = 2 if random.random() < REPEATED else 1
        while len(self.told[text]) < wanted:
            if random.random() < BREAKS:
                within = random.uniform(0, BREAK_WITHIN)
                asyncio.get_running_loop().call_later(within, self._cut)
            try:
                await self._send(room, text)
            except (ConnectionLostError, TimeoutError):
                self.retried += 1
            except CommandError as error:
                if error.code not in PASSING:
                    self.refused.append(repr(error))
                    return
                await asyncio.sleep(error.retry_after or 0.2)
            except ConnectionClosedError as error:
                self.refused.append(repr(error))
                return

    async def _send(self, room: str, text: str) -> None:
        answer = await self.line.command(
            "send_message",
            within=ANSWER_WITHIN,
            room=room,
            text=text,
            client_message_id=f"id of {text}",
        )
        if answer["duplicate"]:
            self.repeated += bool(self.told[text])
            self.answered_late += not self.told[text]
        self.told[text].append((room, Place(answer["sequence"], answer["message_id"], text)))

    def _cut(self) -> None:
        self.cuts += 1
        self.line.cut()


def _soon(low: float, high: float) -> float:
    return random.uniform(low, min(high, BACK_WITHIN))
