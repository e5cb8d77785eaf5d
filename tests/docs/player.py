"""Plays a page against a real server: sends its frames, and compares what comes back by shape."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed

from realtime.database import threads
from tests.conftest import Connect
from tests.docs.pages import SENT, Disconnect, Example, Meanwhile, Step
from tests.docs.pages import Connect as Connects
from tests.docs.world import World
from tests.support.sockets import SocketClient

WITHIN = 5.0
Frame = dict[str, Any]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
# Fields whose values are the same in every installation.
_SAME = {
    "type", "code", "reason", "recovered", "duplicate", "severity", "kind", "role", "on",
    "deleted", "request", "errors", "stream", "username", "read",
}  # fmt: skip
# Fields that hold ids, by what they are ids of.
_IDS = {
    "message_id": "message", "reply_to": "message",
    "user_id": "user", "by": "user", "deleted_by": "user", "user_ids": "user", "mentions": "user",
    "present": "user", "away": "user",
    "attachment_id": "attachment", "attachments": "attachment",
    "notification_id": "notification", "ids": "notification",
    "data.id": "notification", "user.id": "user", "from.id": "user",
    "attachment.id": "attachment", "epoch": "epoch", "upload_id": "upload",
    "client_id": "client", "token": "token",
}  # fmt: skip


class Different(AssertionError):
    """What came is not what the page shows."""


class Names:
    """What the page's ids are called on this server."""

    def __init__(self) -> None:
        self._actual: dict[tuple[str, Any], Any] = {}

    def learn(self, kind: str, shown: Any, actual: Any, where: str) -> None:
        """Note that `shown` stands for `actual`; it must do so everywhere."""
        known = self._actual.setdefault((kind, shown), actual)
        if known != actual:
            raise Different(f"{where}: {shown!r} stands for {known!r} and for {actual!r}")

    def of_server(self, value: Any, field: str = "") -> Any:
        """Return a value that the page sends, with this server's ids."""
        if isinstance(value, dict):
            return {name: self.of_server(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.of_server(each, field) for each in value]
        return self._actual.get((_IDS.get(field, ""), value), value)


def compare(shown: Any, actual: Any, names: Names, where: str, field: str = "") -> None:
    """Compare what a page shows with what the server sent: the same fields, the same types.

    Ids must stand for the same things in the whole page, and fixed words must be equal.

    Raises:
        Different: they differ; the message says where.
    """
    if isinstance(shown, dict) and isinstance(actual, dict):
        missing, others = shown.keys() - actual.keys(), actual.keys() - shown.keys()
        if missing or others:
            raise Different(f"{where}: not there: {sorted(missing)}, not shown: {sorted(others)}")
        for name, value in shown.items():
            child = f"{field}.id" if name == "id" else name
            compare(value, actual[name], names, f"{where}.{name}", child)
    elif isinstance(shown, list) and isinstance(actual, list):
        if bool(shown) != bool(actual):
            raise Different(f"{where}: shown {shown!r}, came {actual!r}")
        for index, (one, other) in enumerate(zip(shown, actual, strict=False)):
            compare(one, other, names, f"{where}[{index}]", field)
    elif _kind(shown) != _kind(actual):
        raise Different(f"{where}: shown {shown!r}, came {actual!r}")
    elif field in _IDS and _kind(shown) != "bool" and shown is not None:
        names.learn(_IDS[field], shown, actual, where)
    elif field in _SAME and shown != actual:
        raise Different(f"{where}: shown {shown!r}, came {actual!r}")


def _kind(value: Any) -> str:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return "time"
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return "number"
    return type(value).__name__


class Line:
    """One socket of a page. Frames that the page has not come to yet wait."""

    def __init__(self, socket: SocketClient) -> None:
        self._socket = socket.connection
        self._waiting: deque[Any] = deque()

    async def send(self, text: str, names: Names) -> None:
        """Send a frame of the page: JSON with this server's ids, `binary N`, or bare text."""
        if size := re.fullmatch(r"binary, (\d+) bytes", text):
            await self._socket.send(b"x" * int(size[1]))
            return
        try:
            frame = json.loads(text)
        except ValueError:
            await self._socket.send(text)
        else:
            here = names.of_server(frame)
            # Written anew only if it has to be: a page may show JSON that is refused as a text.
            await self._socket.send(text if here == frame else json.dumps(here))

    async def receive(self, text: str, names: Names, where: str) -> None:
        """Wait for the frame that the page shows next, and compare it."""
        if closed := re.fullmatch(r"closed (\d+)", text):
            await self._until_closed(int(closed[1]), where)
        elif size := re.fullmatch(r"binary, (\d+) bytes", text):
            found = await self._next(lambda frame: isinstance(frame, bytes), where)
            if len(found) != int(size[1]):
                raise Different(f"{where}: {len(found)} bytes came")
        else:
            shown = json.loads(text)
            compare(shown, await self._next(lambda frame: like(shown, frame), where), names, where)

    async def _next(self, wanted: Any, where: str) -> Any:
        for frame in self._waiting:
            if wanted(frame):
                self._waiting.remove(frame)
                return frame
        try:
            async with asyncio.timeout(WITHIN):
                while not wanted(frame := _read(await self._socket.recv())):
                    self._waiting.append(frame)
            return frame
        except (TimeoutError, ConnectionClosed):
            raise Different(f"{where}: did not come; there was {list(self._waiting)}") from None

    async def close(self) -> None:
        await self._socket.close()

    async def _until_closed(self, code: int, where: str) -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while True:
                    self._waiting.append(_read(await self._socket.recv()))
        except ConnectionClosed:
            if self._socket.close_code != code:
                raise Different(f"{where}: closed with {self._socket.close_code}") from None


def like(shown: Any, frame: Any) -> bool:
    """Return whether `frame` is the one that the page shows: of its type, and with its id."""
    if not isinstance(frame, dict) or not isinstance(shown, dict):
        return bool(shown == frame)
    if "type" not in shown:
        return shown == frame  # an echo
    if "id" in shown or "id" in frame:
        return shown.get("id") == frame.get("id")
    # Some types exist both as an event of a stream and as a push of none.
    same_place = ("stream" in shown) == ("stream" in frame)
    # Others say that something has begun, and later that it is over.
    return same_place and all(shown.get(name) == frame.get(name) for name in ("type", "on"))


def _read(data: str | bytes) -> Any:
    if isinstance(data, bytes):
        return data
    try:
        return json.loads(data)
    except ValueError:
        return data


class Player:
    """Plays a page.

    Args:
        connect: the fixture of that name.
        world: has the people, their token, and the steps that the page names.
    """

    def __init__(self, connect: Connect, world: World) -> None:
        self.names = Names()
        self.names.learn("token", "YOUR_TOKEN", world.token, "the token")
        self._connect = connect
        self._world = world
        self._lines: dict[str, Line] = {}
        self._line: Line | None = None

    async def play(self, step: Step) -> None:
        """Carry out one step.

        Raises:
            Different: what came is not what the page shows.
        """
        match step:
            case Connects(user, path):
                self._line = await self._open(user, path) if path else self._lines[user]
            case Disconnect(user):
                await self._lines[user].close()
            case Meanwhile(name):
                await threads.call(getattr(self._world, name))
            case Example(direction, text, line):
                assert self._line is not None, "nobody is connected"
                if direction == SENT:
                    await self._line.send(text, self.names)
                else:
                    await self._line.receive(text, self.names, f"line {line}: {text[:60]}")

    async def _open(self, user: str, path: str) -> Line:
        shown: dict[str, Any] = {}
        if user == "token":
            shown["token"] = self._world.token
        elif user != "nobody":
            shown["user"] = self._world.people[user]
        address = urlsplit(path)
        socket = await self._connect(address.path, **shown, **dict(parse_qsl(address.query)))
        line = self._lines[user] = Line(socket)
        return line
