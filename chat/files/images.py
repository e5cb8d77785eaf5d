"""Width and height of an image, read from its headers without decoding a pixel. Pure.

The page reserves the image's space before loading it. An image with an invalid header, or one that
would exhaust a browser's memory, is not shown inline. Since only headers are read, no image costs
more than a few kilobytes here, however large it claims to be.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

# A browser needs four bytes per pixel: larger images are downloads, not shown in a page.
MAX_PIXELS = 64_000_000
_MAX_SEGMENTS = 2000
_ORIENTATION = 0x0112
# As much as a JPEG's segment can hold.
_MAX_EXIF = 65_533


class Size(NamedTuple):
    """Size in pixels as displayed, with the Exif orientation applied."""

    width: int
    height: int


class NotAnImage(ValueError):
    """The file is not what its first bytes say."""


def measure(file: BinaryIO, content_type: str) -> Size:
    """Return the size of the image in `file`, whose sniffed type is `content_type`.

    Raises:
        NotAnImage: the file breaks the format, has no pixels, or more than MAX_PIXELS.
    """
    try:
        size = _READERS[content_type](file)
    except KeyError:
        raise NotAnImage(f"{content_type} is no image that is shown.") from None
    except (struct.error, IndexError, OSError) as error:
        raise NotAnImage("The image ends too early.") from error
    if size.width < 1 or size.height < 1:
        raise NotAnImage("The image has no pixels.")
    if size.width * size.height > MAX_PIXELS:
        raise NotAnImage(f"The image has more than {MAX_PIXELS} pixels.")
    return size


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise NotAnImage("The image ends too early.")
    return data


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise NotAnImage(reason)


def _png(file: BinaryIO) -> Size:
    _require(_take(file, 8) == b"\x89PNG\r\n\x1a\n", "No PNG signature.")
    length, kind = struct.unpack(">I4s", _take(file, 8))
    header = _take(file, 13)
    _require(kind == b"IHDR" and length == 13, "A PNG begins with its header.")
    (checksum,) = struct.unpack(">I", _take(file, 4))
    _require(checksum == zlib.crc32(kind + header), "The PNG's header is damaged.")
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    _require(depth in (1, 2, 4, 8, 16) and colour in (0, 2, 3, 4, 6), "No such kind of PNG.")
    # Image data must follow: a header alone is not an image.
    turned = False
    for _ in range(_MAX_SEGMENTS):
        length, kind = struct.unpack(">I4s", _take(file, 8))
        if kind == b"IDAT":
            return Size(height, width) if turned else Size(width, height)
        # Browsers heed what comes before the image data.
        if kind == b"eXIf" and length <= _MAX_EXIF:
            turned = _is_turned(_take(file, length))
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
    raise NotAnImage("The PNG has no data.")


def _gif(file: BinaryIO) -> Size:
    _require(_take(file, 6) in (b"GIF87a", b"GIF89a"), "No GIF signature.")
    width, height, flags, _, _ = struct.unpack("<HHBBB", _take(file, 7))
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)
    _require(_take(file, 1) in (b"!", b","), "The GIF has no image.")
    return Size(width, height)


def _webp(file: BinaryIO) -> Size:
    mark, length, form = struct.unpack("<4sI4s", _take(file, 12))
    _require(mark == b"RIFF" and form == b"WEBP" and length >= 12, "No WebP container.")
    kind = _take(file, 8)[:4]
    if kind == b"VP8X":
        data = _take(file, 10)
        return Size(
            1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
        )
    if kind == b"VP8L":
        data = _take(file, 5)
        _require(data[0] == 0x2F, "The WebP's data is damaged.")
        (bits,) = struct.unpack("<I", data[1:])
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    _require(kind == b"VP8 ", "No such kind of WebP.")
    data = _take(file, 10)
    _require(data[3:6] == b"\x9d\x01\x2a", "The WebP's data is damaged.")
    width, height = struct.unpack("<HH", data[6:])
    return Size(width & 0x3FFF, height & 0x3FFF)


def _jpeg(file: BinaryIO) -> Size:
    _require(_take(file, 2) == b"\xff\xd8", "No JPEG signature.")
    turned = False
    for _ in range(_MAX_SEGMENTS):
        marker = _jpeg_marker(file)
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            continue  # these have no payload
        _require(marker not in (0xD9, 0xDA), "The JPEG has no frame.")
        (length,) = struct.unpack(">H", _take(file, 2))
        _require(length >= 2, "The JPEG is damaged.")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            _, height, width = struct.unpack(">BHH", _take(file, 5))
            return Size(height, width) if turned else Size(width, height)
        if marker == 0xE1:
            data = _take(file, length - 2)
            if data.startswith(b"Exif\x00\x00"):
                turned = _is_turned(data[6:]) or turned
        else:
            file.seek(length - 2, 1)
    raise NotAnImage("The JPEG has no frame.")


def _jpeg_marker(file: BinaryIO) -> int:
    _require(_take(file, 1) == b"\xff", "The JPEG is damaged.")
    for _ in range(64):  # fill bytes may precede a marker
        if (marker := _take(file, 1)[0]) != 0xFF:
            return marker
    raise NotAnImage("The JPEG is damaged.")


def _is_turned(tiff: bytes) -> bool:
    """Return whether Exif data rotate the image by 90°: its width is displayed as height."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return False
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for index in range(min(count, 200)):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * index)
            if tag == _ORIENTATION:
                return bool(5 <= value <= 8)
    except struct.error:
        return False
    return False


_READERS: dict[str, Callable[[BinaryIO], Size]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/jpeg": _jpeg,
}
