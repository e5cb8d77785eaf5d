"""The only sender to the channel layer. Always sends after the commit.

The layer is only a wake-up. A message that it loses is found again by offset (log streams) or by
sequence (books), replaced by the next value (latest streams), or made up for by periodic checks
(revocations, wake-ups). Callable from any thread: messages are handed to the event loop of the
process, where one task sends them in order (realtime.streams.outbox).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from realtime.protocol import Event
from realtime.streams.book_state import BookUpdate
from realtime.streams.log import Appended, StreamKey
from realtime.streams.outbox import CONTROL_GROUP, STREAM_GROUPS, Message, Outbox

Item = TypeVar("Item", bound=tuple[Any, ...])

MAX_MESSAGE = 256 * 1024  # characters of payload in one message


def group_of(key: StreamKey) -> str:
    """Return the channel layer group of a stream; hashed, since the layer restricts group names."""
    digest = hashlib.sha256(key.name.encode()).hexdigest()[:24]
    return f"{STREAM_GROUPS}{key.workspace_id}.{key.user_id}.{digest}"


def publish_log(appended: Sequence[Appended]) -> None:
    """Wake up the subscribers of log streams, with the events themselves. Call after the commit.

    Events of one stream that were committed together are sent together.
    """
    messages: list[tuple[str, Message]] = []
    for (key, epoch), events in groupby(appended, lambda event: (event.key, event.epoch)):
        for part in _in_parts([(event.offset, event.payload) for event in events]):
            message = {"type": "log", "key": _pack(key), "epoch": epoch, "events": part}
            messages.append((group_of(key), message))
    _hand_over(*messages)


def publish_latest(key: StreamKey, payload: Mapping[str, Any]) -> None:
    """Send the newest value of a latest stream: on commit inside a transaction, else now."""
    message = {"type": "latest", "key": _pack(key), "payload": msgspec.json.encode(payload)}
    _after_commit(lambda: _hand_over((group_of(key), message)))


def publish_book(key: StreamKey, update: BookUpdate) -> None:
    """Send an update of a book: on commit inside a transaction, else now.

    `changes` is sent as JSON to the book's own type on each process that follows it (fanout.book).
    """
    message = {
        "type": "book",
        "key": _pack(key),
        "first": update.first_sequence,
        "last": update.last_sequence,
        "changes": msgspec.json.encode(update.changes),
    }
    _after_commit(lambda: _hand_over((group_of(key), message)))


def publish_direct(criteria: Mapping[str, Any], event: Event) -> None:
    """Push an event of no stream to the sockets whose principal matches all `criteria`.

    Not durable: users who are not connected never get it. On commit inside a transaction, else now.
    """
    message = {"type": "direct", "criteria": dict(criteria), "event": event.encode()}
    _after_commit(lambda: _hand_over((CONTROL_GROUP, message)))


def publish_control(command: str, arguments: Mapping[str, Any]) -> None:
    """Send a command (revoke sockets) to every process's Hub: on commit, else now."""
    message = {"type": "control", "command": command, "arguments": dict(arguments)}
    _after_commit(lambda: _hand_over((CONTROL_GROUP, message)))


def unpack(message: Message) -> list[Message]:
    """Return the messages that the outbox put into this one, or the message itself."""
    return message["messages"] if message.get("type") == "batch" else [message]


def publish_wakeup(group: str) -> None:
    """Wake up the processes that wait on `group` (workers.wakeups): on commit, else now.

    One that is still on its way covers all that come meanwhile.
    """
    _after_commit(lambda: _hand_over((group, {"type": "wakeup", "group": group})))


def publish_outcomes(group: str, outcomes: Sequence[tuple[int, bool, str]]) -> None:
    """Send the outcomes of commands to the process that listens on `group`. Call after the commit.

    Args:
        outcomes: entry id, whether it was refused, and the outcome in JSON (workers.outcomes).
    """
    messages: list[tuple[str, Message]] = []
    for part in _in_parts(outcomes):
        messages.append((group, {"type": "outcomes", "group": group, "outcomes": part}))
    _hand_over(*messages)


def unpack_events(message: Message) -> list[Appended]:
    """Return the events of a message of type "log"."""
    key = unpack_key(message["key"])
    return [
        Appended(key, message["epoch"], offset, payload) for offset, payload in message["events"]
    ]


def unpack_key(packed: Sequence[Any]) -> StreamKey:
    """Return the StreamKey of a message's `key`."""
    return StreamKey(int(packed[0]), str(packed[1]), int(packed[2]))


def bind(loop: asyncio.AbstractEventLoop) -> None:
    """Set the event loop on which this process publishes (web process, worker process)."""
    global _outbox
    if _outbox is None or _outbox.loop is not loop:
        _outbox = Outbox(loop)


def _after_commit(send: Callable[[], None]) -> None:
    # Outside a transaction on_commit() connects to the database, which may be away.
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(send)
    else:
        send()


def _pack(key: StreamKey) -> list[Any]:
    return [key.workspace_id, key.name, key.user_id]


def _in_parts(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Split items, each with its payload last, into parts that fit in one message of the layer."""
    part: list[Item] = []
    size = 0
    for item in items:
        if part and size + len(item[-1]) > MAX_MESSAGE:
            yield part
            part, size = [], 0
        part.append(item)
        size += len(item[-1])
    if part:
        yield part


_outbox: Outbox | None = None


def is_sending() -> bool:
    """Return whether messages of this process are on their way to the channel layer."""
    return _outbox is not None and _outbox.busy


def _hand_over(*messages: tuple[str, Message]) -> None:
    """Send each message to its group, from any thread."""
    outbox = _outbox
    if outbox is not None and not outbox.loop.is_closed():
        outbox.loop.call_soon_threadsafe(outbox.put, messages)
    # No event loop: a management command. Only a layer that reaches other processes is of use.
    elif not isinstance(get_channel_layer(), InMemoryChannelLayer):
        async_to_sync(_send_now)(messages)


async def _send_now(messages: Sequence[tuple[str, Message]]) -> None:
    outbox = Outbox(asyncio.get_running_loop())
    outbox.put(messages)
    await outbox.sent()
