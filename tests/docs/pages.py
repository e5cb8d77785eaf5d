"""The pages of docs/protocol/ as programs: which sockets they open, what they send and receive.

A page is read from top to bottom. Comments that no reader sees say who connects and what others do:

    <!-- connect: alice /ws/chat/ -->   opens a socket with alice's session; the next frames use it
    <!-- connect: nobody /ws/chat/ -->  opens one without credentials; `token`: with an API token
    <!-- connect: alice -->             goes on with alice's last socket
    <!-- disconnect: bob -->            closes bob's
    <!-- meanwhile: bob_writes -->      runs the step of that name in tests/docs/world.py
    <!-- table: chat.protocol.Typing --> the next table describes the fields of that type

and blocks of frames say the rest. A frame may go on over several lines:

    ```frames
    → {"action": "ping", "id": 1}
    ← {"type": "pong", "id": 1, "timestamp": "2026-11-28T09:30:00.000000Z"}
    ← closed 1000
    ```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "protocol"
SENT, RECEIVED = "→", "←"
_PARTS = re.compile(
    r"^<!-- (?P<verb>connect|disconnect|meanwhile): (?P<what>.+?) -->$"
    r"|^```frames\n(?P<frames>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FRAME = re.compile(rf"^({SENT}|{RECEIVED}) (.*?)(?=^[{SENT}{RECEIVED}]|\Z)", re.M | re.S)
_TABLE = re.compile(r"^<!-- table: (?P<type>[\w. ]+) -->\n\n?(?P<rows>(?:^\|.*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Connect:
    """A new socket, or with an empty path the user's last one."""

    user: str
    path: str


@dataclass(frozen=True)
class Disconnect:
    user: str


@dataclass(frozen=True)
class Meanwhile:
    step: str


@dataclass(frozen=True)
class Example:
    """A frame; `direction` is SENT or RECEIVED, `line` its place in the page."""

    direction: str
    text: str
    line: int


@dataclass(frozen=True)
class Table:
    """The table of a type's fields: the cells of each row."""

    type: str
    rows: list[list[str]]
    line: int


Step = Connect | Disconnect | Meanwhile | Example


def pages() -> list[Path]:
    return sorted(FOLDER.glob("*.md"))


def steps(text: str) -> Iterator[Step]:
    for part in _PARTS.finditer(text):
        if part["verb"] == "connect":
            user, _space, path = part["what"].partition(" ")
            yield Connect(user, path)
        elif part["verb"] == "disconnect":
            yield Disconnect(part["what"])
        elif part["verb"] == "meanwhile":
            yield Meanwhile(part["what"])
        else:
            start = part.start("frames")
            for frame in _FRAME.finditer(part["frames"]):
                line = text.count("\n", 0, start + frame.start()) + 1
                yield Example(frame[1], frame[2].strip(), line)


def tables(text: str) -> Iterator[Table]:
    for part in _TABLE.finditer(text):
        _header, _rule, *rows = part["rows"].splitlines()
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|"))] for row in rows]
        yield Table(part["type"], cells, text.count("\n", 0, part.start()) + 1)
