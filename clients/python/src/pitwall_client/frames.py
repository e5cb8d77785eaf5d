"""Wire format of frames: JSON as text, zlib-compressed JSON as binary, or several in a batch."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

Frame = dict[str, Any]

MAX_INFLATED = 16 * 2**20


class MalformedFrameError(ValueError):
    """The server sent something that is not part of the protocol."""


def encode(frame: Frame) -> str:
    """Return a frame as JSON text."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode(data: str | bytes) -> Iterator[Frame]:
    """Yield the frames of one WebSocket message, and each frame of a batch.

    Args:
        data: text, or zlib-compressed text of a connection opened with `compress=zlib`.

    Raises:
        MalformedFrameError: the message is not a JSON object or cannot be decompressed.
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
