"""Export of a whole room: JSON for programs, Markdown for humans. Written as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from chat import selectors
from chat.models import Membership, Room
from chat.protocol import MessageView
from chat.selectors.messages import message_views, of_room
from realtime.protocol import rfc3339

PAGE = 500
FORMATS = ("json", "markdown")


def lines_of(room: Room, kind: str) -> Iterator[str]:
    """Yield the document in pieces; `kind` is one of FORMATS."""
    return _json(room) if kind == "json" else _markdown(room)


def messages_of(room: Room) -> Iterator[MessageView]:
    """Yield all messages that a room keeps, oldest first, deleted ones as tombstones."""
    after = room.floor_sequence
    while rows := list(of_room(room).filter(sequence__gt=after).order_by("sequence")[:PAGE]):
        yield from message_views(rows, room)
        after = rows[-1].sequence


def _json(room: Room) -> Iterator[str]:
    """Yield one object: the room, its members, and its messages as clients get them."""
    head = {
        "room": msgspec.to_builtins(selectors.room_view(room)),
        "workspace": room.workspace.slug,
        "created_at": rfc3339(room.created_at),
        "members": [msgspec.to_builtins(selectors.member_view(each)) for each in _members(room)],
    }
    yield json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    yield ',\n "messages": ['
    separator = "\n  "
    for message in messages_of(room):
        yield separator + msgspec.json.encode(_with_revisions(message)).decode()
        separator = ",\n  "
    yield "\n ]\n}\n"


def _with_revisions(message: MessageView) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(message)
    if message.edited_at is not None and not message.deleted:
        document["revisions"] = [
            {"text": text, "replaced_at": rfc3339(replaced_at)}
            for text, replaced_at in selectors.revisions_of(message.message_id)
        ]
    return document


def _markdown(room: Room) -> Iterator[str]:
    """Yield a heading for the room and for each day, then messages with author and UTC time."""
    yield f"# {room.name or room.slug}\n"
    if room.topic:
        yield f"\n{room.topic}\n"
    day = ""
    for message in messages_of(room):
        if message.timestamp[:10] != day:
            day = message.timestamp[:10]
            yield f"\n## {day}\n"
        yield f"\n**{message.username}** {message.timestamp[11:16]}{_remarks(message)}\n\n"
        yield _body(message)


def _remarks(message: MessageView) -> str:
    remarks = []
    if isinstance(message.reply, msgspec.Struct):
        remarks.append(f"in answer to {message.reply.username}")
    if message.edited_at is not None:
        remarks.append("edited")
    if message.pinned:
        remarks.append("pinned")
    return f" ({', '.join(remarks)})" if remarks else ""


def _body(message: MessageView) -> str:
    if message.deleted:
        return "*deleted*\n"
    parts = [message.message] if message.message else []
    if isinstance(message.card, msgspec.Struct):
        state = json.dumps(message.card.state, ensure_ascii=False)
        parts.append(f"[{message.card.kind} {message.card.reference}: {state}]")
    parts += [f"[file: {file.name}, {file.size} bytes]" for file in message.attachments]
    if message.reactions:
        parts.append(" ".join(f"{each.emoji} {each.count}" for each in message.reactions))
    return "\n\n".join(parts) + "\n"


def _members(room: Room) -> list[Membership]:
    return selectors.members_of([room.pk]).get(room.pk, [])
