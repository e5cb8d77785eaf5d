"""People who talk in rooms over bad lines, and remember what they said, were told and heard."""

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

# The server says that nothing happened, or that it may be asked again.
PASSING = frozenset({"rate_limited", "unavailable"})
ANSWER_WITHIN = 10.0
# Of so many messages the answer is not waited for: the line breaks right after they are sent.
BREAKS = 0.02
BREAK_WITHIN = 0.05
# So many are sent again after they were acknowledged, as by a program that forgot.
REPEATED = 0.02
# They come back sooner than the client would by itself: more of them are there at each kill.
BACK_WITHIN = 2.0


@dataclass(frozen=True, order=True)
class Place:
    """Where a message is, as its author was told, a reader heard, or the database has it."""

    sequence: int
    message_id: int
    text: str


class Line(Client):
    """A connection that can break without a word."""

    def cut(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()


@dataclass
class Talker:
    """A person, the rooms they are in, and what they witnessed.

    Attributes:
        heard: by room, messages in the order of their arrival.
        told: by text, every acknowledgement (room, place) that came.
        refused: errors that no message here should meet.
        retried: times that no answer came.
        answered_late: messages that were stored although no answer had come.
        repeated: messages that were sent again after they had been acknowledged.
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
        """Send so many messages, spread over the time; returns when all are acknowledged."""
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
        """Send a message until it is acknowledged, each time under the same client id."""
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
