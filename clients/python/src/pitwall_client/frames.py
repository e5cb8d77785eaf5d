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
    except (ValueError, RecursionError) as error:
        raise MalformedFrameError("a frame from the server is not a JSON object") from error
    frames = [frame]
    if isinstance(frame, dict) and frame.get("type") == "batch_messages":
        frames = frame.get("messages", [])
    if not isinstance(frames, list) or not all(isinstance(each, dict) for each in frames):
        raise MalformedFrameError("a frame from the server is not a JSON object")
    yield from frames


def _inflate(data: bytes) -> str:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, MAX_INFLATED)
        if inflater.unconsumed_tail:
            raise MalformedFrameError("a compressed frame is too big")
        return text.decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise MalformedFrameError("a binary frame does not decompress to text") from error
