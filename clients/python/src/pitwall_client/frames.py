"""Frames as they travel: JSON objects in text, zlib-compressed in binary, or several in a batch."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

Frame = dict[str, Any]

MAX_INFLATED = 16 * 2**20


class MalformedFrameError(ValueError):
    """The server sent what the protocol does not know."""


def encode(frame: Frame) -> str:
    """Return the text of a frame."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode(data: str | bytes) -> Iterator[Frame]:
    """Yield the frames in one WebSocket message, a batch taken apart.

    Args:
        data: text, or zlib-compressed text of a connection opened with `compress=zlib`.

    Raises:
        MalformedFrameError: it is no JSON object, or does not decompress.
    """
    text = _inflate(data) if isinstance(data, bytes) else data
    try:
        frame = json.loads(text)
    except ValueError as error:
        raise MalformedFrameError("a frame from the server is not a JSON object") from error
    if not isinstance(frame, dict):
        raise MalformedFrameError("a frame from the server is not a JSON object")
    if frame.get("type") == "batch_messages":
        yield from frame.get("messages", [])
    else:
        yield frame


def _inflate(data: bytes) -> str:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, MAX_INFLATED)
        if inflater.unconsumed_tail:
            raise MalformedFrameError("a compressed frame is too big")
        return text.decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise MalformedFrameError("a binary frame does not decompress to text") from error
