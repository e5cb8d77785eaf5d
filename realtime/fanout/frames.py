"""Encoding of messages, once for all the sockets they go to.

Server frames are unmasked and unfragmented (RFC 6455, section 5.2).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from enum import IntFlag

TEXT = 0x81  # FIN and opcode 1
BINARY = 0x82  # FIN and opcode 2
# A batch arrives as one frame, so it stays within the size limit of a frame.
MAX_BATCH_BYTES = 60_000
# The fastest level: this kind of JSON shrinks to about the same size at any level.
COMPRESSION_LEVEL = 1


class Format(IntFlag):
    """Formats in which a client can ask to be sent messages (`?batch=1`, `?compress=zlib`)."""

    PLAIN = 0
    BATCH = 1
    COMPRESS = 2


class Bundle:
    """JSON messages that leave together, in order.

    Each socket gets them in one write but still as separate WebSocket frames, unless the client
    asked for batches. They are encoded for a format when the first socket needs it.
    """

    __slots__ = ("_wires", "messages")

    def __init__(self, messages: Sequence[bytes]) -> None:
        self.messages = messages
        self._wires: list[bytes | None] = [None] * 4

    def __len__(self) -> int:
        return len(self.messages)

    def wire(self, wanted: Format) -> bytes:
        """Return all frames of this bundle in that format, ready for a transport."""
        data = self._wires[wanted]
        if data is None:
            kind = BINARY if wanted & Format.COMPRESS else TEXT
            data = b"".join([header(kind, len(p)) + p for p in self.payloads(wanted)])
            self._wires[wanted] = data
        return data

    def payloads(self, wanted: Format) -> list[bytes]:
        """Return the payload of each frame: JSON text, or its zlib-compressed form."""
        payloads = list(_batched(self.messages)) if wanted & Format.BATCH else list(self.messages)
        if wanted & Format.COMPRESS:
            return [zlib.compress(payload, COMPRESSION_LEVEL) for payload in payloads]
        return payloads


def header(kind: int, length: int) -> bytes:
    """Return the header of a server frame with a payload of `length` bytes."""
    if length < 126:
        return bytes((kind, length))
    if length < 65536:
        return bytes((kind, 126)) + length.to_bytes(2, "big")
    return bytes((kind, 127)) + length.to_bytes(8, "big")


def inflate(data: bytes, limit: int) -> bytes:
    """Decompress the zlib data of a client's frame.

    Raises:
        ValueError: it is not exactly one complete zlib stream, or holds more than `limit` bytes.
    """
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, limit)
    except zlib.error as error:
        raise ValueError("this is no zlib-compressed data") from error
    if inflater.unconsumed_tail:
        raise ValueError(f"it holds more than {limit} bytes")
    if not inflater.eof or inflater.unused_data:
        raise ValueError("the zlib stream does not end with the frame")
    return text


def _batched(messages: Sequence[bytes]) -> Iterator[bytes]:
    """Yield messages in `batch_messages` frames; a message on its own stays as it is."""
    batch: list[bytes] = []
    size = 0
    for message in messages:
        if batch and size + len(message) > MAX_BATCH_BYTES:
            yield _batch(batch)
            batch, size = [], 0
        batch.append(message)
        size += len(message) + 1
    if batch:
        yield _batch(batch)


def _batch(messages: list[bytes]) -> bytes:
    if len(messages) == 1:
        return messages[0]
    head = b'{"type":"batch_messages","count":%d,"messages":[' % len(messages)
    return head + b",".join(messages) + b"]}"
