"""The only sender into the channel layer; always after the commit.

The layer is a wake-up: what is lost on it is found again by offset (log streams) or by sequence
(books), replaced by the next value (latest streams) or repeated (control). Callable from any
thread: messages are handed to the event loop of the process, where one task sends them in order.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from realtime.book_state import BookUpdate
from realtime.protocol import Event
from realtime.streams import Appended, StreamKey

logger = logging.getLogger(__name__)

CONTROL_GROUP = "control"
SEND_TIMEOUT = 2.0
MAX_WAITING = 10_000
MAX_MESSAGE = 256 * 1024  # characters of payload in one message

Message = dict[str, Any]


def group_of(key: StreamKey) -> str:
    """The channel layer group of a stream; names of any script become one the layer takes."""
    digest = hashlib.sha256(key.name.encode()).hexdigest()[:24]
    return f"stream.{key.workspace_id}.{key.user_id}.{digest}"


def publish_log(appended: Sequence[Appended]) -> None:
    """Wake the subscribers of log streams up, with the events themselves. Call after commit.

    Events of one stream that were committed together travel together.
    """
    for (key, epoch), events in groupby(appended, lambda event: (event.key, event.epoch)):
        for part in _in_parts([(event.offset, event.payload) for event in events]):
            message = {"type": "log", "key": _pack(key), "epoch": epoch, "events": part}
            _hand_over(group_of(key), message)


def publish_latest(key: StreamKey, payload: Mapping[str, Any]) -> None:
    """Send the newest value of a latest stream: on commit inside a transaction, else now."""
    message = {"type": "latest", "key": _pack(key), "payload": msgspec.json.encode(payload)}
    _after_commit(lambda: _hand_over(group_of(key), message))


def publish_book(key: StreamKey, update: BookUpdate) -> None:
    """Send an update of a book: on commit inside a transaction, else now.

    `changes` goes as JSON to the book's own type on each process that follows it (realtime.book).
    """
    message = {
        "type": "book",
        "key": _pack(key),
        "first": update.first_sequence,
        "last": update.last_sequence,
        "changes": msgspec.json.encode(update.changes),
    }
    _after_commit(lambda: _hand_over(group_of(key), message))


def publish_direct(criteria: Mapping[str, Any], event: Event) -> None:
    """Push an event of no stream to the sockets whose principal has all of `criteria`.

    Not durable: whoever is not connected never gets it. On commit inside a transaction, else now.
    """
    message = {"type": "direct", "criteria": dict(criteria), "event": event.encode()}
    _after_commit(lambda: _hand_over(CONTROL_GROUP, message))


def publish_control(command: str, arguments: Mapping[str, Any]) -> None:
    """Tell every process's Hub to do something (revoke sockets): on commit, else now."""
    message = {"type": "control", "command": command, "arguments": dict(arguments)}
    _after_commit(lambda: _hand_over(CONTROL_GROUP, message))


def unpack_events(message: Message) -> list[Appended]:
    """The events of a message of type "log"."""
    key = unpack_key(message["key"])
    return [
        Appended(key, message["epoch"], offset, payload) for offset, payload in message["events"]
    ]


def unpack_key(packed: Sequence[Any]) -> StreamKey:
    """The StreamKey of a message's `key`."""
    return StreamKey(int(packed[0]), str(packed[1]), int(packed[2]))


def bind(loop: asyncio.AbstractEventLoop) -> None:
    """Name the event loop that this process publishes on (web process, worker process)."""
    global _outbox
    if _outbox is None or _outbox.loop is not loop:
        _outbox = _Outbox(loop)


def _after_commit(send: Callable[[], None]) -> None:
    # on_commit() outside a transaction connects to the database, which may be away just now.
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(send)
    else:
        send()


def _pack(key: StreamKey) -> list[Any]:
    return [key.workspace_id, key.name, key.user_id]


def _in_parts(events: Sequence[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Split what would be too much for one message of the layer."""
    part: list[tuple[int, str]] = []
    size = 0
    for event in events:
        if part and size + len(event[1]) > MAX_MESSAGE:
            yield part
            part, size = [], 0
        part.append(event)
        size += len(event[1])
    if part:
        yield part


class _Outbox:
    """Messages on their way to the layer, in order; the oldest give way when it is stuck."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: deque[tuple[str, Message]] = deque(maxlen=MAX_WAITING)
        self._sender: asyncio.Task[None] | None = None
        self._lost = 0

    def put(self, group: str, message: Message) -> None:
        self._waiting.append((group, message))
        if self._sender is None:
            self._sender = self.loop.create_task(self._send())

    @property
    def busy(self) -> bool:
        return self._sender is not None

    async def _send(self) -> None:
        layer = get_channel_layer()
        try:
            while self._waiting:
                group, message = self._waiting.popleft()
                try:
                    async with asyncio.timeout(SEND_TIMEOUT):
                        await layer.group_send(group, message)
                except Exception as error:  # noqa: BLE001 - whatever the layer's library raises
                    self._failed(error)
                else:
                    self._succeeded()
        finally:
            self._sender = None

    def _failed(self, error: Exception) -> None:
        self._lost += 1
        if self._lost == 1:
            logger.warning("The channel layer takes no messages: %r", error)

    def _succeeded(self) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            logger.warning(
                "The channel layer takes messages again; %d wake-ups were lost, and log streams "
                "catch up by offset",
                lost,
            )


_outbox: _Outbox | None = None


def is_sending() -> bool:
    """Whether messages of this process are on their way into the channel layer."""
    return _outbox is not None and _outbox.busy


def _hand_over(group: str, message: Message) -> None:
    outbox = _outbox
    if outbox is not None and not outbox.loop.is_closed():
        outbox.loop.call_soon_threadsafe(outbox.put, group, message)
        return
    # No loop of our own: a management command. Only a layer that reaches other processes helps.
    layer = get_channel_layer()
    if isinstance(layer, InMemoryChannelLayer):
        return
    try:
        async_to_sync(layer.group_send)(group, message)
    except Exception as error:  # noqa: BLE001 - whatever the layer's library raises
        logger.warning("A wake-up was lost: %r", error)
