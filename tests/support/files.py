"""Small files for tests: real pictures, made by an ordinary encoder, 3 by 2 pixels each."""

from __future__ import annotations

import base64
import struct
import zlib

_ENCODED = {
    "png": "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAFUlEQVR4nGM8IWfDwMDAwMDAxAADABUsASY0"
    "+3CFAAAAAElFTkSuQmCC",
    "gif": "R0lGODdhAwACAIEAAMgePAAAAAAAAAAAACwAAAAAAwACAAAIBgABCBwYEAA7",
    "webp": "UklGRjgAAABXRUJQVlA4ICwAAACQAQCdASoDAAIAAUAmJaACdLoAA5gA/vD6K67xaUa/+8Z//cZ//cZ/7uAA"
    "AA==",
    "webp, lossless": "UklGRh4AAABXRUJQVlA4TBEAAAAvAkAAAAdQjyKXp/+BiOh/AAA=",
    "webp, extended": "UklGRmgAAABXRUJQVlA4WAoAAAAYAAAAAgAAAQAAQUxQSAcAAAAAAAAAAAAAAFZQOCAYAAAAMAEA"
    "nQEqAwACAAFAJiWkAANwAP79NmgARVhJRhoAAABNTQAqAAAACAABARIAAwAAAAEABgAAAAAAAA==",
    "jpeg": "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4"
    "nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMj"
    "IyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/wgARCAACAAMDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAA"
    "AAX/xAAVAQEBAAAAAAAAAAAAAAAAAAADBv/aAAwDAQACEAMQAAABkgaX/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAA"
    "gBAQABBQJ//8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAwEBPwF//8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgB"
    "AgEBPwF//8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAGPwJ//8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQ"
    "ABPyF//9oADAMBAAIAAwAAABAD/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAwEBPxB//8QAFBEBAAAAAAAAAAAA"
    "AAAAAAAAAP/aAAgBAgEBPxB//8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxB//9k=",
}
PICTURES: dict[str, bytes] = {name: base64.b64decode(text) for name, text in _ENCODED.items()}
PNG = PICTURES["png"]
# Exif data that says: rotate this by a quarter turn.
_TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
JPEG_TURNED = (
    PICTURES["jpeg"][:2]
    + b"\xff\xe1"
    + struct.pack(">H", len(_TURNED) + 2)
    + _TURNED
    + PICTURES["jpeg"][2:]
)

_EXIF = b"eXIf" + _TURNED[6:]
PNG_TURNED = (
    PNG[:33]
    + struct.pack(">I", len(_EXIF) - 4)
    + _EXIF
    + struct.pack(">I", zlib.crc32(_EXIF))
    + PNG[33:]
)


def png(width: int, height: int) -> bytes:
    """Return a PNG that claims this size, whatever its data."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checked = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return PNG[:8] + checked + PNG[33:]
